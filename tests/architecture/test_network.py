"""No test reaches another machine: the guard of tests/conftest.py, proved."""

import socket
from collections.abc import Callable

import httpx
import pytest


def asked_by_name() -> None:
    socket.getaddrinfo("provider.example", 443)


def asked_by_http() -> None:
    httpx.get("http://192.0.2.1/", trust_env=False)


def connected() -> None:
    with socket.socket() as out:
        out.connect(("192.0.2.1", 80))


def connected_by_number() -> None:
    with socket.socket(socket.AF_INET6) as out:
        out.connect_ex(("2001:db8::1", 80))


@pytest.mark.parametrize("act", [asked_by_name, asked_by_http, connected, connected_by_number])
def test_another_machine_is_out_of_reach(act: Callable[[], None]) -> None:
    with pytest.raises(RuntimeError, match="must not reach"):
        act()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_not(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection((host, server.getsockname()[1])).close()
