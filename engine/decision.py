"""What live listening says. No torch here: it crosses from a child process to a window that never loads it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """Scores of one live window, in the order of the model's labels; `quiet`: too quiet to judge."""

    start_s: float
    end_s: float
    scores: tuple[float, ...]
    level_dbfs: float
    quiet: bool
