"""Adapt: one button from labelled clips to a model."""

from serstudio.gui.screens.adapt.screen import AdaptScreen

__all__ = ["AdaptScreen"]
