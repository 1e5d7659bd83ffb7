"""Nothing that the tests run may use the network: other machines are refused, in this process and in its children.

Imported by tests/conftest.py, and, through PYTHONPATH, by every Python that a test starts (hence the name, which
Python itself looks for). What stays on this machine is let through: Unix sockets and loopback. An attempt is written
down too, for a library may swallow the error: the fixture `no_network` fails the test that made it.
"""

import contextlib
import ipaddress
import os
import socket
import sys

LOG = "SERSTUDIO_TESTS_NETWORK_LOG"
_ADDRESSED = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}  # event: where its address stands
_LOOKED_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


class NetworkUsedError(RuntimeError):
    """Not an OSError: nobody is to take it for a connection that happened to fail."""


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: https://docs.python.org/3/library/audit_events.html."""
    if event in _ADDRESSED:
        address = arguments[_ADDRESSED[event]]
        where = address[0] if isinstance(address, tuple) and address else None  # of Unix sockets it is a path
    elif event in _LOOKED_UP:
        where = arguments[0]
    else:
        return
    if isinstance(where, bytes):
        where = where.decode(errors="replace")
    if isinstance(where, str) and not _is_here(where):
        _write_down(f"{event} {where}")
        raise NetworkUsedError(f"tests use no network: {event} {where}")


def _is_here(host: str) -> bool:
    if host in ("", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def _write_down(attempt: str) -> None:
    log = os.environ.get(LOG)
    if log:
        with contextlib.suppress(OSError):
            descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(descriptor, f"{' '.join(sys.argv)[:200]}: {attempt}\n".encode())
            os.close(descriptor)


sys.addaudithook(refuse)
