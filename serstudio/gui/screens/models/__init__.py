"""The Models page: what adaptation can start from."""

from serstudio.gui.screens.models.screen import ModelsScreen

__all__ = ["ModelsScreen"]
