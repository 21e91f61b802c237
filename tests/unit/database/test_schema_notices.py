"""The input of a connection that waits for no answer, piece by piece, as a server may send it."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psycopg2
import pytest

from tenantry.database.schema_notices import SchemaNotices


@dataclass
class Notify:
    payload: str


@dataclass
class Connection:
    """The used part of a psycopg2 connection: one byte is readable for each piece, and `poll` reads one piece."""

    ours: socket.socket
    theirs: socket.socket
    arriving: list[Callable[["Connection"], None]] = field(default_factory=list)
    notifies: list[Notify] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def fileno(self) -> int:
        return self.ours.fileno()

    def send(self, piece: Callable[["Connection"], None]) -> None:
        self.arriving.append(piece)
        self.theirs.send(b"x")

    def poll(self) -> None:
        self.ours.recv(1)
        self.arriving.pop(0)(self)


@pytest.fixture
def connection() -> Iterator[Connection]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Connection(ours, theirs)


def reload(connection: Connection) -> None:
    connection.notifies.append(Notify("reload schema"))


def last_word(connection: Connection) -> None:
    connection.notices.append("FATAL:  terminating connection due to administrator command\n")


def end(connection: Connection) -> None:
    raise psycopg2.OperationalError("server closed the connection unexpectedly")


def both(connection: Connection) -> None:
    reload(connection)
    last_word(connection)


def something_else(connection: Connection) -> None:
    """A change of the server's settings, say, also counts as the end of the session."""


def test_nothing_has_come_in(connection: Connection) -> None:
    notices = SchemaNotices(connection)
    assert not notices.has_ended()
    assert not notices.take()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_notices_are_not_the_end(connection: Connection, count: int) -> None:
    notices = SchemaNotices(connection)
    for _ in range(count):
        connection.send(reload)
    assert not notices.has_ended()
    assert connection.arriving == []
    assert (notices.take(), notices.take()) == (True, False)


@pytest.mark.parametrize(
    "pieces", [[end], [last_word], [both], [reload, end], [reload, last_word], [something_else], [reload, both, end]]
)
def test_anything_else_is_the_end(connection: Connection, pieces: list[Callable[[Connection], None]]) -> None:
    notices = SchemaNotices(connection)
    for piece in pieces:
        connection.send(piece)
    assert notices.has_ended()


def test_what_a_statement_said_before_is_not_the_end(connection: Connection) -> None:
    connection.notices.append("NOTICE:  of a function\n")
    connection.send(reload)
    assert not SchemaNotices(connection).has_ended()


def test_nobody_can_make_it_listen_forever(connection: Connection) -> None:
    for _ in range(100):
        connection.send(reload)
    assert not SchemaNotices(connection).has_ended()
    assert len(connection.arriving) > 50


def test_an_earlier_change_is_not_forgotten_for_a_later_notice(connection: Connection) -> None:
    notices = SchemaNotices(connection)
    connection.send(reload)
    assert not notices.has_ended()
    connection.notifies.append(Notify("reload config"))
    assert notices.take()
    assert connection.notifies == []
