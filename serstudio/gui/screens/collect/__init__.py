"""Collect: bring clips in by dropping, choosing or recording."""

from serstudio.gui.screens.collect.screen import CollectScreen

__all__ = ["CollectScreen"]
