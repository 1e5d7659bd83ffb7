"""The guard against leaks must bite: a test that leaves something behind fails."""

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = """
import subprocess, sys, threading, time

kept = []

def test_tidy():
    thread = threading.Thread(target=time.sleep, args=(0.1,))
    thread.start()
    subprocess.run([sys.executable, "-c", "pass"])

def test_untidy():
    threading.Thread(target=time.sleep, args=(6,), name="stray thread").start()
    kept.append(subprocess.Popen(["sleep", "6.66"]))
"""


def test_what_is_left_behind_fails_the_test(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path / "conftest.py")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:pytest-qt", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "2 passed, 1 error" in done.stdout, done.stdout
    assert "left behind: threads ['stray thread'], child processes ['sleep 6.66']" in done.stdout
    assert "test_untidy" in done.stdout.rpartition("ERROR")[2]
