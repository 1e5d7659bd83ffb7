"""The guard bites: here, in a thread, in a started Python and in a spawned worker; what stays here goes on."""

import multiprocessing
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import NetworkLog
from tests.no_network.sitecustomize import NetworkUsedError

ELSEWHERE = "192.0.2.1"  # RFC 5737: documentation, never a machine


def test_connections_to_other_machines_are_refused(network_log: NetworkLog) -> None:
    with socket.socket() as opened, pytest.raises(NetworkUsedError):
        opened.connect((ELSEWHERE, 80))
    with pytest.raises(NetworkUsedError):
        urllib.request.urlopen("http://example.invalid/")
    with socket.socket(type=socket.SOCK_DGRAM) as opened, pytest.raises(NetworkUsedError):
        opened.sendto(b"hello", (ELSEWHERE, 53))
    assert len(network_log.take()) == 3


def test_names_of_other_machines_are_not_looked_up(network_log: NetworkLog) -> None:
    with pytest.raises(NetworkUsedError):
        socket.getaddrinfo("example.invalid", 443)
    with pytest.raises(NetworkUsedError):
        socket.gethostbyname("example.invalid")
    assert len(network_log.take()) == 2


def test_an_attempt_that_was_swallowed_is_known_all_the_same(network_log: NetworkLog) -> None:
    def try_quietly() -> None:
        try:
            socket.create_connection((ELSEWHERE, 80), timeout=1)
        except Exception:
            return

    thread = threading.Thread(target=try_quietly)
    thread.start()
    thread.join()
    (attempt,) = network_log.take()
    assert ELSEWHERE in attempt


def test_a_python_that_a_test_starts_is_guarded(network_log: NetworkLog) -> None:
    program = f"import socket; socket.create_connection(('{ELSEWHERE}', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert "NetworkUsedError: tests use no network" in done.stderr
    assert len(network_log.take()) == 1


def test_a_command_of_ours_in_a_process_of_its_own_is_guarded(
    network_log: NetworkLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub at an address elsewhere: `models download` tries to reach it, and is refused."""
    monkeypatch.setenv("HF_ENDPOINT", f"http://{ELSEWHERE}:9")
    monkeypatch.setenv("SERSTUDIO_MODELS", str(tmp_path))
    command = [sys.executable, "-m", "serstudio", "models", "download", "xls-r-300m"]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 1
    assert network_log.take()


def test_a_spawned_worker_is_guarded(network_log: NetworkLog) -> None:
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=_connect)
    worker.start()
    worker.join()
    assert worker.exitcode == 1
    assert len(network_log.take()) == 1


def _connect() -> None:
    socket.create_connection((ELSEWHERE, 80), timeout=1)


def test_loopback_and_unix_sockets_go_on(tmp_path: Path, network_log: NetworkLog) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
    assert socket.getaddrinfo("localhost", 80)
    if hasattr(socket, "AF_UNIX"):
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            server.bind(str(tmp_path / "socket"))
            server.listen()
            client.connect(str(tmp_path / "socket"))
    assert network_log.take() == []


def test_the_app_forbids_its_libraries_the_network() -> None:
    program = (
        "import sys; sys.argv = ['serstudio', '--version']\n"
        "from serstudio.__main__ import main; main()\n"
        "from huggingface_hub import constants; print(constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_TELEMETRY)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True True"
