"""Check: how often the labels are right on clips that were held back."""

from serstudio.gui.screens.check.screen import CheckScreen

__all__ = ["CheckScreen"]
