"""Share: the model as one folder for a colleague."""

from serstudio.gui.screens.share.screen import ShareScreen

__all__ = ["ShareScreen"]
