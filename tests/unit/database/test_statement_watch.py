"""The thread that ends what takes too long: it may end itself, and another takes its place."""

import threading

import pytest

from tenantry.database import statement_watch
from tenantry.database.statement_watch import StatementWatch


class Connection:
    """Says when it was cancelled; the first time there is no memory for that."""

    def __init__(self) -> None:
        self.has_memory = False
        self.was_cancelled = threading.Event()

    def cancel(self) -> None:
        if not self.has_memory:
            raise MemoryError
        self.was_cancelled.set()


def test_without_memory_it_ends_and_the_next_message_begins_another(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: ended.set())
    monkeypatch.setattr(statement_watch, "_PAUSE", 0.01)
    monkeypatch.setattr(statement_watch, "_GRACE", 0.0)
    watch, connection = StatementWatch(), Connection()
    first = watch.begin(connection, 0, lambda: None)
    assert ended.wait(10)
    watch.end(first)
    connection.has_memory = True
    second = watch.begin(connection, 0, lambda: None)
    assert connection.was_cancelled.wait(10)
    watch.end(second)
    assert second.is_cancelled
