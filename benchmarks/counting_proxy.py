"""A TCP proxy that counts round trips and can add a delay."""

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

from local.ports import LOOPBACK

_CHUNK = 1 << 16
_END = b""


class CountingProxy:
    """Forwards TCP connections, and counts how often the client starts to send after it has received."""

    def __init__(self, target_port: int) -> None:
        """Listen on a free port of loopback for a server on `target_port`."""
        self._target = (LOOPBACK, target_port)
        self._listener = socket.create_server((LOOPBACK, 0))
        self._sockets: list[socket.socket] = []
        self._server_spoke = True
        self.port: int = self._listener.getsockname()[1]
        self.round_trips = 0
        self.delay = 0.0
        """Seconds that a round trip takes longer, half of it each way."""

    def serve(self) -> None:
        """Accept connections until the proxy is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._sockets.append(end)
                self._join(client, server, from_client=True)
                self._join(server, client, from_client=False)

    def close(self) -> None:
        """Close every connection, which ends their threads."""
        for end in (self._listener, *self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _join(self, source: socket.socket, sink: socket.socket, *, from_client: bool) -> None:
        """Read in one thread and write in another: a delayed portion must not hold up the next ones."""
        under_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._receive, args=(source, under_way, from_client), daemon=True).start()
        threading.Thread(target=_deliver, args=(under_way, sink), daemon=True).start()

    def _receive(
        self, source: socket.socket, under_way: "queue.SimpleQueue[tuple[float, bytes]]", from_client: bool
    ) -> None:
        chunk = b"."
        while chunk:
            try:
                chunk = source.recv(_CHUNK)
            except OSError:
                chunk = _END
            if chunk:
                self._count(from_client)
            under_way.put((monotonic() + self.delay / 2, chunk))

    def _count(self, from_client: bool) -> None:
        if from_client and self._server_spoke:
            self.round_trips += 1
        self._server_spoke = not from_client


def _deliver(under_way: "queue.SimpleQueue[tuple[float, bytes]]", sink: socket.socket) -> None:
    with suppress(OSError):
        while True:
            due, chunk = under_way.get()
            sleep(max(due - monotonic(), 0))
            if chunk == _END:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(chunk)


@contextmanager
def open_proxy(target_port: int) -> Iterator[CountingProxy]:
    """Run a proxy in the background until the block ends."""
    proxy = CountingProxy(target_port)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
