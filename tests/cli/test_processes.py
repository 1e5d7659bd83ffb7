"""Command lines in processes of their own: start-up, signals, pipes, encodings, bugs."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from serstudio import __main__ as start_up
from serstudio import bug_report
from serstudio.cli import app, output
from serstudio.usecases.events import Event, Progress
from tests.cli.conftest import REPOSITORY, Run, run_apart, start

HELP_LIMIT_S = 0.5


def test_help_is_fast_and_in_the_order_of_the_work() -> None:
    """Processor time, not the clock: other tests may be running."""
    program = (
        "import sys, time; from serstudio.cli.app import main; code = main(['--help']); "
        "print(time.process_time()); sys.exit(code)"
    )
    import subprocess

    took = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        took.append(float(done.stdout.splitlines()[-1]))
    assert min(took) < HELP_LIMIT_S
    verbs = [line.split()[0] for line in done.stdout.split("Commands:")[1].splitlines() if line.startswith("  ")]
    work = "new import label record adapt classify live check compare export evaluate models metatrain experiment tour"
    assert " ".join(verbs[:15]) == work


def test_every_verb_has_help(run: Run) -> None:
    for verb in app.commands.commands:
        ran = run(verb, "--help")
        assert ran.code == 0
        assert ran.out.startswith(f"Usage: serstudio {verb}")
    assert run("--version").out.startswith("SER Studio")


def test_a_wrong_verb_is_one_line() -> None:
    ran = run_apart("frobnicate")
    assert ran.code == 2
    assert ran.err == "serstudio: No such command 'frobnicate'. See 'serstudio --help'.\n"
    assert ran.out == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux runs without a display")
def test_the_window_without_a_display_is_one_line() -> None:
    ran = run_apart(DISPLAY="", WAYLAND_DISPLAY="", QT_QPA_PLATFORM="")
    assert ran.code == 2
    assert ran.err.startswith("serstudio: There is no display")
    assert len(ran.err.splitlines()) == 1


def test_what_opens_the_window(project_folder: Path, tmp_path: Path) -> None:
    assert start_up.opens_window([])
    assert start_up.opens_window([str(project_folder)])
    assert not start_up.opens_window([str(tmp_path)])
    assert not start_up.opens_window(["tour"])
    assert not start_up.opens_window(["--help"])
    assert not start_up.opens_window(["label", str(project_folder)])


@pytest.fixture
def project_folder(tmp_path: Path, run: Run) -> Path:
    assert run("new", tmp_path / "p", "--labels", "joy,哀しみ").code == 0
    return tmp_path / "p"


def test_a_terminal_without_unicode_gets_escapes(project_folder: Path) -> None:
    ran = run_apart("label", project_folder, "--list", "--json", PYTHONIOENCODING="ascii")
    assert ran.code == 0
    assert ran.json["label_counts"]["哀しみ"] == 0
    assert run_apart("label", project_folder, PYTHONIOENCODING="ascii").code == 0


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes it")
def test_a_closed_output_is_no_error(project_folder: Path) -> None:
    """As under Windows' pythonw, which has none."""
    import subprocess

    command = [sys.executable, "-m", "serstudio", "label", str(project_folder)]
    for closed in (">&-", ">&- 2>&-"):
        ran = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *command], cwd=REPOSITORY, capture_output=True, text=True
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_adaptation_leaves_nothing(
    labelled_project: Path, tiny_base_folder: str, number: signal.Signals
) -> None:
    import subprocess

    # on a fresh installation the libraries come from the disk for the first time, and that may take half a minute
    subprocess.run([sys.executable, "-c", "import torch, transformers, engine.adaptation"], cwd=REPOSITORY, check=True)
    process = start("adapt", labelled_project, "--base", tiny_base_folder, "--steps", 100_000)
    models = labelled_project / "models"
    try:
        time.sleep(8.0)  # well inside: torch is loaded in about 4 s, and 100,000 steps take minutes
        assert process.poll() is None
        process.send_signal(number)
        started = time.monotonic()
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    # Python ends by the signal itself if it came while a library was executing a string (a dataclass is made
    # of one); a shell tells both as 130.
    assert process.returncode in (130, -signal.SIGINT)
    assert time.monotonic() - started < 10
    assert out == ""
    assert "Traceback" not in err
    assert list(models.iterdir()) == []


def test_a_signal_that_a_library_swallowed_ends_the_verb_at_its_next_event() -> None:
    seen: list[int] = []

    def events() -> Generator[Event, None, None]:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        for step in range(3):
            seen.append(step)
            yield Progress(step, 3, "on and on")

    with pytest.raises(KeyboardInterrupt):
        output.follow_events(events(), int)
    assert seen == [0]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_bug_is_one_line_and_a_report_without_paths(
    tmp_path: Path, fails: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("cannot use /home/maria/My Interviews/maria.wav or '/home/maria/B C/x.flac'")

    monkeypatch.setattr(app.projects.output, "follow", break_down)
    monkeypatch.setattr(bug_report.platformdirs, "user_log_dir", lambda *_, **__: str(tmp_path / "logs"))
    ran = fails("new", tmp_path / "p")
    assert ran.code == 1
    assert "A mistake of ours: RuntimeError" in ran.err
    (report,) = (tmp_path / "logs").iterdir()
    assert str(report) in ran.err
    text = report.read_text(encoding="utf-8")
    assert "maria" not in text
    assert "RuntimeError" in text
    assert "/serstudio/cli/projects.py" in text
    assert str(REPOSITORY) not in text


def test_a_refusal_of_the_system_is_no_bug(tmp_path: Path, fails: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr(app.projects.output, "follow", full)
    assert "Free some space" in fails("new", tmp_path / "p").err
