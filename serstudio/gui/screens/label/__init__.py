"""Label: hear each clip and say what it is, with one key a clip."""

from serstudio.gui.screens.label.screen import LabelScreen

__all__ = ["LabelScreen"]
