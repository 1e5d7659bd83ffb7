"""A command line run in this process or in one of its own, and a small project to run it on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from serstudio.cli.app import main
from tests.usecases.conftest import tiny_base_folder, voices

__all__ = ["tiny_base_folder", "voices"]  # fixtures


@dataclass(frozen=True)
class Ran:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


REPOSITORY = Path(__file__).resolve().parents[2]
Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """run("new", folder, ...) in this process."""

    def run_here(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run_here


@pytest.fixture
def fails(run: Run) -> Run:
    """As run, for a command line that must fail: one line on standard error, nothing else."""

    def run_failing(*arguments: object) -> Ran:
        ran = run(*arguments)
        assert ran.code in (1, 2), ran
        last = ran.err.splitlines()[-1]
        assert last.startswith("serstudio: ")
        assert all(line.startswith("Note: ") for line in ran.err.splitlines()[:-1])
        assert "Traceback" not in ran.err
        return ran

    return run_failing


def start(*arguments: object, stdin: int = subprocess.DEVNULL, **environment: str) -> subprocess.Popen[str]:
    """A command line in a process of its own, as a shell would start it."""
    command = [sys.executable, "-m", "serstudio", *map(str, arguments)]
    return subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=stdin,
        text=True,
    )


def run_apart(*arguments: object, **environment: str) -> Ran:
    """Run a command line in a process of its own to its end."""
    process = start(*arguments, **environment)
    out, err = process.communicate(timeout=240)
    return Ran(process.returncode, out, err)


@pytest.fixture
def labelled_project(tmp_path: Path, voices: Path, run: Run) -> Path:
    """A project with two labelled clips of each of three labels by each of four speakers."""
    folder = tmp_path / "labelled project"
    assert run("new", folder, "--language", "none", "--labels", "anger,joy,fear").code == 0
    assert run("import", folder, "--manifest", voices / "manifest.csv").code == 0
    return folder


@pytest.fixture
def adapted_project(labelled_project: Path, tiny_base_folder: str, run: Run) -> Path:
    """The same with a version from the tiny base."""
    assert run("adapt", labelled_project, "--base", tiny_base_folder, "--method", "prototypes").code == 0
    return labelled_project
