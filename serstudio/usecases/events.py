"""What a use-case reports while it runs: frozen and picklable, so that it crosses a process border."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One step taken. `total` is None when it is not known; `loss` only while adapting; `unit` of step and total."""

    step: int
    total: int | None
    message: str
    loss: float | None = None
    remaining_s: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Warned:
    """Something the user should know although the work goes on."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class Known:
    """A part of the result is known while the work goes on; `part` is the frozen dataclass that the request names."""

    part: object


@dataclass(frozen=True)
class Done:
    """The last event of every run. `result` is the frozen dataclass that the request names."""

    result: object


Event = Progress | Warned | Known | Done
