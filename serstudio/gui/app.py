"""Start-up of the window: application, theme, error handling, and then the main window."""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from engine.errors import SerStudioError
from engine.resources import resource
from serstudio import __version__
from serstudio.bug_report import describe_bug
from serstudio.gui.main_window import MainWindow
from serstudio.gui.theme import Theme

ExceptHook = Callable[[type[BaseException], BaseException, TracebackType | None], object]


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window; a first argument that is no option is a project folder. Returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    app = make_application(arguments)
    settings = QSettings()
    Theme(app, settings)
    window = MainWindow(settings)
    sys.excepthook = make_excepthook(window)
    folders = [argument for argument in arguments if not argument.startswith("-")]
    if folders:
        window.open_project(Path(folders[0]))
    window.show()
    window.machine.describe()
    close_on_signals(window)
    return app.exec()


def close_on_signals(window: MainWindow) -> None:
    """Ctrl-C in the terminal, and the session's end, close the window as its cross does."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        window.close()

    def let_python_run() -> None:
        """Python looks at signals only when Python runs, and Qt may sleep for hours."""

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    pulse = QTimer(window)
    pulse.setInterval(250)
    pulse.timeout.connect(let_python_run)
    pulse.start()


def make_application(arguments: Sequence[str]) -> QApplication:
    """The application with its names and icon."""
    app = QApplication(["serstudio", *arguments])
    app.setApplicationName("serstudio")
    app.setApplicationDisplayName("SER Studio")
    app.setOrganizationName("serstudio")
    app.setApplicationVersion(__version__)
    app.setStyle("Fusion")  # one look on every system; the style sheet refines it
    QGuiApplication.setDesktopFileName("serstudio")
    app.setWindowIcon(QIcon(str(resource("icons/serstudio.svg"))))
    return app


def make_excepthook(window: MainWindow) -> ExceptHook:
    """Errors of slots: in the user's words where he can mend them, else the crash dialog."""

    def on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, SerStudioError):
            window.show_error(error)
        elif issubclass(kind, KeyboardInterrupt):
            window.close()
        else:
            sys.__excepthook__(kind, error, trace)  # for whoever looks at the terminal
            window.show_bug(describe_bug(error))

    return on_exception
