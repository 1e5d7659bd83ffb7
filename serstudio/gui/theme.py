"""The look of the whole program: scheme, palette, style sheet and fonts, switched at run time."""

from enum import Enum
from typing import Self

from PySide6.QtCore import QObject, QSettings, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from serstudio.gui import tokens as design
from serstudio.gui.assets import font_files
from serstudio.gui.stylesheet import style_sheet
from serstudio.gui.tokens import Scheme, Tokens, tokens_for

_SETTING = "appearance/theme"


class ThemeMode(Enum):
    """What the user chose in the settings."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Theme(QObject):
    """Applies tokens to the application and tells custom-painted widgets when they change.

    It is a child of the QApplication, so that a widget finds it with `Theme.current()` without a
    module-level global.
    """

    changed = Signal()

    def __init__(self, app: QApplication, settings: QSettings) -> None:
        super().__init__(app)
        self._app = app
        self._settings = settings
        self._mode = _stored_mode(settings)
        self._tokens = tokens_for(self._wanted_scheme())
        load_fonts(app)
        app.styleHints().colorSchemeChanged.connect(self.on_color_scheme_changed)
        self._apply()

    @classmethod
    def current(cls) -> Self:
        """The running application's theme."""
        app = QApplication.instance()
        theme = app.findChild(cls) if app is not None else None
        if theme is None:
            raise RuntimeError("the theme is made by gui.app before any widget")
        return theme

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    @property
    def mode(self) -> ThemeMode:
        return self._mode

    @property
    def scheme(self) -> Scheme:
        return self._wanted_scheme()

    def set_mode(self, mode: ThemeMode) -> None:
        """Choose light, dark or the system's, and remember it."""
        self._mode = mode
        self._settings.setValue(_SETTING, mode.value)
        self._apply()

    def on_color_scheme_changed(self) -> None:
        if self._mode is ThemeMode.SYSTEM:
            self._apply()

    def _wanted_scheme(self) -> Scheme:
        if self._mode is ThemeMode.SYSTEM:
            dark = self._app.styleHints().colorScheme() is Qt.ColorScheme.Dark
            return Scheme.DARK if dark else Scheme.LIGHT
        return Scheme(self._mode.value)

    def _apply(self) -> None:
        self._tokens = tokens_for(self._wanted_scheme())
        self._app.setPalette(palette_for(self._tokens))
        self._app.setStyleSheet(style_sheet(self._tokens))
        self.changed.emit()


def _stored_mode(settings: QSettings) -> ThemeMode:
    try:
        return ThemeMode(settings.value(_SETTING, ThemeMode.SYSTEM.value))
    except ValueError:
        return ThemeMode.SYSTEM


def load_fonts(app: QApplication) -> None:
    """Use the bundled font; other scripts fall back to the system's fonts by themselves."""
    families: list[str] = []
    for file in font_files():
        number = QFontDatabase.addApplicationFont(str(file))
        families += QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
    font = QFont(app.font())
    if families:
        font.setFamilies([families[0], *font.families()])
    font.setPixelSize(design.SIZE_BODY)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    app.setFont(font)


def palette_for(tokens: Tokens) -> QPalette:
    """The palette for what the style sheet does not reach (item views, plots, native dialogs)."""
    role = QPalette.ColorRole
    colours = {
        role.Window: tokens.ground,
        role.WindowText: tokens.text,
        role.Base: tokens.surface,
        role.AlternateBase: tokens.surface_alt,
        role.Text: tokens.text,
        role.PlaceholderText: tokens.text_faint,
        role.Button: tokens.surface,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.danger,
        role.Highlight: tokens.accent,
        role.HighlightedText: tokens.on_accent,
        role.ToolTipBase: tokens.text,
        role.ToolTipText: tokens.surface,
        role.Link: tokens.accent_text,
        role.Light: tokens.surface,
        role.Midlight: tokens.surface_alt,
        role.Mid: tokens.border,
        role.Dark: tokens.border_strong,
        role.Shadow: tokens.border_strong,
        role.Accent: tokens.accent,
    }
    palette = QPalette()
    for key, colour in colours.items():
        palette.setColor(key, QColor(colour))
    for key in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(tokens.text_faint))
    return palette
