"""The Qt style sheet, filled in from the tokens."""

from dataclasses import asdict
from string import Template

from serstudio.gui import tokens as design
from serstudio.gui.tokens import Tokens

_SHEET = Template("""
QWidget { color: $text; font-size: ${body}px; }
QMainWindow, QDialog, QWidget[role="page"] { background: $ground; }
QScrollArea, QScrollArea > QWidget > QWidget[role="scroll"] { background: transparent; border: none; }
QToolTip { background: $text; color: $surface; border: none; padding: 6px 8px; border-radius: 6px; }

QLabel { background: transparent; }
QLabel[role="display"] { font-size: ${display}px; font-weight: 600; }
QLabel[role="title"] { font-size: ${title}px; font-weight: 600; }
QLabel[role="hero"] { font-size: 30px; font-weight: 600; }
QLabel[role="lead"] { color: $text_muted; font-size: ${large}px; }
QLabel[role="heading"] { font-size: ${large}px; font-weight: 600; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="muted"] { color: $text_muted; }
QLabel[role="caption"] { color: $text_faint; font-size: ${caption}px; }
QLabel[role="reason"] { color: $text_muted; font-size: ${caption}px; }
QLabel[role="warning"] { color: $warning; }
QLabel[role="danger"] { color: $danger; }
QLabel[role="success"] { color: $success; }
QLabel[role="overline"] { color: $text_faint; font-size: ${caption}px; font-weight: 600; }
QLabel[role="badge"] {
    background: $surface_alt; color: $text_muted; font-size: ${caption}px; font-weight: 500;
    border-radius: 9px; padding: 0 8px; min-height: 18px; max-height: 18px;
}
QLabel[role="badge"][tone="success"] { background: $success_soft; color: $success; }
QLabel[role="badge"][tone="warning"] { background: $warning_soft; color: $warning; }
QLabel[role="clock"] { font-size: ${title}px; font-weight: 600; }
QLabel[role="caption"][tone="warning"] { color: $warning; }
QLabel[role="code"] {
    font-family: "DejaVu Sans Mono", "Menlo", "Consolas", monospace; font-size: ${caption}px;
}

QFrame[role="rail"] { background: $rail; border: none; border-right: 1px solid $border; }
QFrame[role="status"] { background: $rail; border: none; border-top: 1px solid $border; }
QFrame[role="card"] { background: $surface; border: 1px solid $border; border-radius: ${radius_large}px; }
QFrame[role="inset"] { background: $surface_alt; border: 1px solid $border; border-radius: ${radius}px; }
QFrame[role="panel"] { background: $surface; border: none; border-right: 1px solid $border; }
QFrame[role="line"] { background: $border; border: none; max-height: 1px; min-height: 1px; }
QFrame[role="drop"] {
    background: $surface; border: 2px dashed $border_strong; border-radius: ${radius_large}px;
}
QFrame[role="drop"][hot="true"] { background: $accent_soft; border-color: $accent; }
QFrame[role="banner"] { background: $accent_soft; border: 1px solid $border; border-radius: ${radius}px; }
QFrame[role="banner"][tone="warning"] { background: $warning_soft; }
QFrame[role="banner"][tone="danger"] { background: $danger_soft; }
QFrame[role="banner"][tone="success"] { background: $success_soft; }
QFrame[role="banner"][place="top"] { margin-top: 12px; }
QFrame[role="toast"] { background: $text; border: none; border-radius: ${radius}px; }
QFrame[role="toast"] QLabel { color: $surface; }
QFrame[role="toast"] QPushButton {
    background: transparent; border: 1px solid $text_faint; color: $surface;
}
QFrame[role="toast"] QPushButton:hover { border-color: $surface; }

QPushButton {
    background: $surface; border: 1px solid $border_strong; border-radius: ${radius}px;
    padding: 0 12px; min-height: 32px; font-weight: 500;
}
QPushButton:hover { background: $surface_alt; }
QPushButton:pressed, QPushButton:checked { background: $surface_press; }
QPushButton:checked { border-color: $accent; color: $accent_text; background: $accent_soft; }
QPushButton:focus { border: 2px solid $accent; padding: 0 11px; min-height: 30px; }
QPushButton:disabled { color: $text_faint; background: $surface_alt; border-color: $border; }
QPushButton::menu-indicator { width: 0; }
QPushButton[kind="primary"] {
    background: $accent; color: $on_accent; border: 1px solid $accent; font-weight: 600;
    min-height: 38px; padding: 0 20px;
}
QPushButton[kind="primary"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[kind="primary"]:pressed { background: $accent_press; border-color: $accent_press; }
QPushButton[kind="primary"]:focus { border: 2px solid $text; min-height: 36px; padding: 0 19px; }
QPushButton[kind="primary"]:disabled {
    background: $surface_press; color: $text_faint; border-color: $surface_press;
}
QPushButton[kind="ghost"] { background: transparent; border: 1px solid transparent; padding: 0 8px; }
QPushButton[kind="ghost"]:hover { background: $surface_press; }
QPushButton[kind="ghost"]:focus { border: 2px solid $accent; padding: 0 7px; }
QPushButton[kind="ghost"]:disabled { background: transparent; color: $text_faint; }
QPushButton[kind="ghost"][place="rail"]:checked {
    background: $surface; border: 1px solid $border; color: $accent_text;
}
QPushButton[kind="link"] {
    background: transparent; border: 1px solid transparent; color: $accent_text;
    padding: 0 2px; min-height: 22px;
}
QPushButton[kind="link"]:hover { text-decoration: underline; }
QPushButton[kind="link"]:focus { border: 2px solid $accent; padding: 0 1px; min-height: 20px; }
QPushButton[kind="danger"] { color: $danger; }
QPushButton[kind="record"] { min-height: 38px; padding: 0 18px; font-weight: 600; border-color: $danger; }
QPushButton[kind="record"]:hover { background: $danger_soft; }
QPushButton[kind="record"]:focus { border: 2px solid $danger; min-height: 36px; padding: 0 17px; }
QPushButton[kind="record"]:disabled { border-color: $border; }
QPushButton[kind="record"][live="true"] { background: $danger_soft; color: $danger; }
QPushButton[kind="row"] { text-align: left; background: transparent; border: 1px solid transparent; }
QPushButton[kind="row"]:hover { background: $surface_alt; }

QPushButton[kind="card"], QPushButton[kind="card-primary"] {
    background: $surface; border: 1px solid $border; border-radius: ${radius_large}px; text-align: left;
}
QPushButton[kind="card-primary"] { background: $accent_soft; border-color: $accent; }
QPushButton[kind="card"]:hover { border-color: $accent; background: $surface; }
QPushButton[kind="card-primary"]:hover { border: 2px solid $accent; }
QPushButton[kind="card"]:focus, QPushButton[kind="card-primary"]:focus { border: 2px solid $accent; padding: 0; }

QLineEdit, QComboBox {
    background: $surface; border: 1px solid $border_strong; border-radius: ${radius}px;
    padding: 0 10px; min-height: 32px; selection-background-color: $accent; selection-color: $on_accent;
}
QLineEdit:hover, QComboBox:hover { border-color: $text_faint; }
QLineEdit:focus, QComboBox:focus {
    border: 2px solid $accent; padding: 0 9px; min-height: 30px;
}
QLineEdit:disabled, QComboBox:disabled { background: $surface_alt; color: $text_faint; }
QLineEdit[invalid="true"] { border-color: $danger; }
QComboBox::drop-down { border: none; width: 26px; }
QComboBox::down-arrow { image: none; }
QComboBox QAbstractItemView {
    background: $surface; border: 1px solid $border_strong; padding: 4px; outline: none;
    selection-background-color: $accent_soft; selection-color: $text;
}
QComboBox QAbstractItemView::item { min-height: 30px; padding: 0 8px; border-radius: 6px; }

QMenu { background: $surface; border: 1px solid $border_strong; border-radius: ${radius}px; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 6px; }
QMenu::item:selected { background: $accent_soft; }
QMenu::item:disabled { color: $text_faint; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QMenu::indicator { width: 14px; height: 14px; margin-left: 4px; }

QListView { background: transparent; border: none; outline: none; }
QPlainTextEdit {
    background: $surface_alt; border: 1px solid $border; border-radius: ${radius}px; padding: 8px;
}
QProgressBar {
    background: $surface_press; border: none; border-radius: 3px; max-height: 6px; min-height: 6px;
}
QProgressBar::chunk { background: $accent; border-radius: 3px; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar::handle:vertical {
    background: $border_strong; border-radius: 4px; min-height: 36px; margin: 2px;
}
QScrollBar::handle:vertical:hover { background: $text_faint; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle:horizontal {
    background: $border_strong; border-radius: 4px; min-width: 36px; margin: 2px;
}
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")


def style_sheet(tokens: Tokens) -> str:
    """The style sheet of the whole application in these colours."""
    values = {key: value for key, value in asdict(tokens).items() if isinstance(value, str)}
    sizes = {
        "caption": design.SIZE_CAPTION,
        "body": design.SIZE_BODY,
        "large": design.SIZE_LARGE,
        "title": design.SIZE_TITLE,
        "display": design.SIZE_DISPLAY,
        "radius": design.RADIUS,
        "radius_large": design.RADIUS_LARGE,
    }
    return _SHEET.substitute(values, **sizes)
