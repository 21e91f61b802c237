"""The proxy that counts round trips."""

import socket
import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from benchmarks.counting_proxy import open_proxy
from local.ports import LOOPBACK


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A server that echoes each message."""
    with socket.create_server((LOOPBACK, 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                while message := client.recv(64):
                    client.sendall(message)

        server = threading.Thread(target=serve)
        server.start()
        yield listener.getsockname()[1]
        server.join(timeout=5)


def test_each_question_that_waits_for_an_answer_is_a_round_trip(echo_port: int) -> None:
    with open_proxy(echo_port) as proxy, socket.create_connection((LOOPBACK, proxy.port), timeout=5) as client:
        for expected in (1, 2, 3):
            client.sendall(b"ask")
            assert client.recv(64) == b"ask"
            assert proxy.round_trips == expected


def test_a_longer_wire_takes_its_delay_once_for_each_round_trip(echo_port: int) -> None:
    with open_proxy(echo_port) as proxy, socket.create_connection((LOOPBACK, proxy.port), timeout=5) as client:
        proxy.delay = 0.05
        started = monotonic()
        client.sendall(b"ask")
        assert client.recv(64) == b"ask"
        assert monotonic() - started >= proxy.delay
