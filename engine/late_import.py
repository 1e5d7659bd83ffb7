"""Naming code without loading it: registries stay light, and packages need not import one another in circles."""

from importlib import import_module
from typing import Any


def import_place(place: str) -> Any:
    """The object at "module:name"."""
    module, name = place.split(":")
    return getattr(import_module(module), name)
