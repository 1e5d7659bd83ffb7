"""Compare: the published methods side by side on the user's own labels."""

from serstudio.gui.screens.compare.screen import CompareScreen

__all__ = ["CompareScreen"]
