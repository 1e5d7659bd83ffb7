"""The names that a user can choose among. No torch here: menus and `--help` need them at once."""

from enum import StrEnum

METHODS = ("disjoint", "pmf", "prototypes")  # the first is the default
DEVICES = ("auto", "cpu", "cuda")


class Protocol(StrEnum):
    """Few-shot protocols. `RANDOM` is the papers' own; it flatters, for a speaker can be on both sides."""

    RANDOM = "random"
    NEW_SPEAKERS = "new-speakers"
