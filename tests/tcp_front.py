"""A TCP proxy in front of a server, which can be cut at any moment."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_RESET = struct.pack("ii", 1, 0)


class TcpFront:
    """Forwards connections from a free loopback port, until `cut` resets all of them and refuses new ones."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._is_cut = False
        self.port: int = self._listener.getsockname()[1]

    def cut(self) -> None:
        """Reset every connection, as a broken network or a firewall does."""
        with self._lock:
            self._is_cut = True
            ends, self._ends = self._ends, []
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RD)

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._upstream)
                with self._lock:
                    if self._is_cut:
                        client.close()
                        server.close()
                        return
                    self._ends += (client, server)
                for source, sink in ((client, server), (server, client)):
                    thread = threading.Thread(target=_pump, args=(source, sink))
                    self._threads.append(thread)
                    thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(10)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(1 << 16):
            sink.sendall(chunk)
    # The first of the two to see the end closes both.
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextmanager
def serve_tcp(host: str, port: int) -> Iterator[TcpFront]:
    """Run a proxy in front of the server at this address until the block ends."""
    front = TcpFront(host, port)
    thread = threading.Thread(target=front.serve)
    thread.start()
    try:
        yield front
    finally:
        front.cut()
        thread.join(10)
        front.join()
