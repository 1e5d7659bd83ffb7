"""How long the rest of a training will take."""

_SMOOTHING = 0.05  # weight of the newest step: single steps vary by several times


class Pace:
    """Seconds a step, smoothed exponentially; None before the first."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def took(self, seconds: float) -> None:
        """A step took so long."""
        known = seconds if self.seconds is None else self.seconds
        self.seconds = known + _SMOOTHING * (seconds - known)

    def left_s(self, steps: float) -> float:
        """What that many steps will take; 0 where none was ever taken."""
        return (self.seconds or 0.0) * steps
