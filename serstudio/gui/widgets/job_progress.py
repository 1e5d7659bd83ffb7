"""How far a job has come, on a bar and in words: the same on every screen."""

from PySide6.QtWidgets import QLabel, QProgressBar

from serstudio.usecases.events import Progress


def show_progress(progress: Progress, bar: QProgressBar, words: QLabel) -> None:
    """Fill `bar` (busy while the total is unknown) and say what is being done, and how many of how many."""
    bar.setRange(0, progress.total or 0)
    bar.setValue(progress.step)
    counted = f": {progress.step} of {progress.total}" if progress.total else ""
    words.setText(f"{progress.message}{counted}")
