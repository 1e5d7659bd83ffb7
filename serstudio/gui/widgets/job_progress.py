"""How far a job has come, on a bar and in words: the same on every screen."""

from PySide6.QtWidgets import QLabel, QProgressBar

from serstudio.usecases.events import Progress
from serstudio.wording import in_words


def show_progress(progress: Progress, bar: QProgressBar, words: QLabel) -> None:
    """Fill `bar` (busy while the total is unknown) and say what is being done, and how many of how many.

    Of one that tells percents, how long it will take stands there instead.
    """
    bar.setRange(0, progress.total or 0)
    bar.setValue(progress.step)
    if progress.unit == "%":
        left = f", about {in_words(progress.remaining_s)} left" if progress.remaining_s is not None else ""
        words.setText(f"{progress.message}{left}")
        return
    counted = f": {progress.step} of {progress.total}" if progress.total else ""
    words.setText(f"{progress.message}{counted}")
