"""The guards must bite: a test that leaves something behind, or that tried to use the network, fails."""

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = """
import socket, subprocess, sys, threading, time

kept = []

def test_tidy():
    thread = threading.Thread(target=time.sleep, args=(0.1,))
    thread.start()
    subprocess.run([sys.executable, "-c", "pass"])

def test_untidy():
    threading.Thread(target=time.sleep, args=(6,), name="stray thread").start()
    kept.append(subprocess.Popen(["sleep", "6.66"]))

def test_curious():
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=1)  # of documentation: nobody answers
    except Exception:  # a library that swallows the refusal
        pass
"""


def test_what_is_left_behind_fails_the_test(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path / "conftest.py")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:pytest-qt", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "3 passed, 2 errors" in done.stdout, done.stdout
    assert "left behind: threads ['stray thread'], child processes ['sleep 6.66']" in done.stdout
    assert "ERROR at teardown of test_untidy" in done.stdout
    assert "ERROR at teardown of test_curious" in done.stdout
    assert "used the network: [" in done.stdout
    assert "192.0.2.1" in done.stdout
