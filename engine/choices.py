"""The names that a user can choose among. No torch here: menus and `--help` need them at once."""

from dataclasses import dataclass
from enum import StrEnum

METHODS = ("disjoint", "pmf", "prototypes")  # the first is the default
DEVICES = ("auto", "cpu", "cuda")


class Protocol(StrEnum):
    """Few-shot protocols. `RANDOM` is the papers' own; it flatters, for a speaker can be on both sides."""

    RANDOM = "random"
    NEW_SPEAKERS = "new-speakers"


@dataclass(frozen=True)
class Recommended:
    """How a base is best adapted, as measured for it. The defaults are the main paper's, found for XLS-R 300M."""

    method: str = METHODS[0]
    steps: int = 25
    learning_rate: float = 1e-5
