"""Live: speak, or play a file, and see what the model hears."""

from serstudio.gui.screens.live.screen import LiveScreen

__all__ = ["LiveScreen"]
