"""What the store tells while it works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """`total_bytes` is None where it is not known; `rate` in bytes a second."""

    what: str
    done_bytes: int
    total_bytes: int | None
    rate: float | None = None
    remaining_s: float | None = None
