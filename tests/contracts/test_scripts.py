"""The two commands of the README, and what they promise."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from serstudio.cli.app import commands

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SCRIPTS = ["packaging/install.sh", "packaging/run.sh", "packaging/test.sh", ".ci/run"]
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def test_the_first_screen_has_the_two_commands() -> None:
    first_screen = "\n".join(README.splitlines()[:20])
    assert "bash packaging/run.sh" in first_screen
    assert "bash packaging/test.sh" in first_screen
    assert "bash packaging/test.sh" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_names_only_what_exists() -> None:
    verbs = set(re.findall(r"^    serstudio (\w+)", README, re.MULTILINE)) | set(
        re.findall(r"`serstudio ([a-z]+)", README)
    )
    assert verbs
    assert verbs <= set(commands.commands)
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (REPOSITORY / link).exists(), link


@needs_bash
@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_bash(script: str) -> None:
    subprocess.run(["bash", "-n", REPOSITORY / script], check=True)


def _in_installer(body: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `body` after the functions of install.sh, in an empty folder with a space in its name."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    program = f'set -euo pipefail; . "{REPOSITORY}/packaging/install.sh"; {body}'
    return subprocess.run(
        ["bash", "-c", program],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_bash
def test_without_root_the_missing_packages_are_named(tmp_path: Path) -> None:
    if shutil.which("apt-get") is None:
        pytest.skip("needs apt-get")
    done = _in_installer("root_prefix() { return 1; }; apt_install one two; echo went on", tmp_path)
    assert done.stdout == "went on\n"
    assert done.stderr.strip() == "Note: missing system packages. Ask an administrator to run: apt-get install one two"


@needs_bash
def test_without_python_there_is_one_sentence(tmp_path: Path) -> None:
    done = _in_installer("find_python() { return 1; }; make_venv", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("serstudio: No Python 3.11, 3.12 or 3.13 was found.")
    assert len(done.stderr.splitlines()) == 1


@needs_bash
def test_a_wrong_python_is_not_taken(tmp_path: Path) -> None:
    """An old one, or a name that no longer starts anything (a shim whose version was removed)."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (programs / name).write_text("#!/bin/sh\nexit 127\n")
        (programs / name).chmod(0o755)
    done = _in_installer("find_python || echo none", tmp_path, PATH=f"{programs}:{os.environ['PATH']}")
    assert done.stdout == "none\n"
