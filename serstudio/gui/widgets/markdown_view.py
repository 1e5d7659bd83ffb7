"""A page of Markdown, set with air and in the theme's colours."""

from PySide6.QtGui import (
    QColor,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QTextBrowser

from serstudio.gui.theme import Theme
from serstudio.gui.tokens import SIZE_BODY, SIZE_HEADING, SIZE_TITLE

_HEADING_SIZES = {1: SIZE_TITLE - 2, 2: SIZE_HEADING, 3: SIZE_BODY + 1}


class MarkdownView(QTextBrowser):
    """Read only; links are not followed."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._text = ""
        self.setAccessibleName(name)
        self.setOpenLinks(False)
        self.document().setDocumentMargin(16)
        Theme.current().changed.connect(self.on_theme_changed)

    def show_markdown(self, text: str) -> None:
        self._text = text
        self.setMarkdown(text)
        self._set_tables()
        block = self.document().begin()
        while block.isValid():
            level = block.blockFormat().headingLevel()
            cursor = QTextCursor(block)
            shape = QTextBlockFormat()
            if cursor.currentTable() is None:
                shape.setTopMargin(16 if level > 1 else 4)
                shape.setBottomMargin(4)
            cursor.mergeBlockFormat(shape)
            if level:
                letters = QTextCharFormat()
                font = QFont(self.font())
                font.setPixelSize(_HEADING_SIZES.get(level, SIZE_BODY))
                font.setWeight(QFont.Weight.DemiBold)
                letters.setFont(font)
                cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
                cursor.mergeCharFormat(letters)
            block = block.next()
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def _set_tables(self) -> None:
        for frame in self.document().rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                shape = frame.format().toTableFormat()
                shape.setBorder(1)
                shape.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
                shape.setBorderBrush(QColor(Theme.current().tokens.border_strong))
                shape.setBorderCollapse(True)
                shape.setCellPadding(6)
                shape.setCellSpacing(0)
                shape.setTopMargin(8)
                shape.setBottomMargin(8)
                shape.setWidth(QTextLength(QTextLength.Type.PercentageLength, 60))
                frame.setFormat(shape)

    def on_theme_changed(self) -> None:
        if self._text:
            self.show_markdown(self._text)
