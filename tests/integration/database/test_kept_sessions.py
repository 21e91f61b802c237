"""An administrator's session serves one user after the other, and none finds anything of the one before."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg2
import pytest

from local.postgres_server import PostgresServer
from local.processes import wait_until
from tenantry.database import kept_sessions
from tenantry.database.connecting import ConnectSettings, connect
from tenantry.database.kept_sessions import REST_MS, KeptSessions
from tenantry.domain.credentials import Credentials
from tenantry.domain.patience import DEFAULT_PATIENCE

SETTINGS = ConnectSettings(lock_timeout_ms=500, patience=DEFAULT_PATIENCE, administers=True, rest_ms=REST_MS)
type Take = Callable[..., Any]


@pytest.fixture
def take(postgres: PostgresServer) -> Iterator[Take]:
    """Take sessions of one keeper's, which end with the test."""
    login = (postgres.host, postgres.port, "postgres", postgres.admin_user, postgres.admin_password)
    credentials = Credentials(*login, sslmode="disable", schema="pg_catalog")
    kept, taken = KeptSessions(), []

    def take_one(rest_ms: int = REST_MS) -> Any:
        taken.append(kept.take("administrator", lambda: connect(credentials, replace(SETTINGS, rest_ms=rest_ms))))
        return taken[-1]

    yield take_one
    for session in taken:
        session.end()


def ask(session: Any, *statements: str) -> Any:
    with session.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def pid(session: Any) -> int:
    return int(session.info.backend_pid)


def is_alive(postgres: PostgresServer, number: int) -> bool:
    with closing(postgres.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot(), 1 FROM pg_stat_activity WHERE pid = %s", (number,))
        return cursor.fetchone() is not None


def test_the_next_user_gets_the_same_session_as_new(take: Take, postgres: PostgresServer) -> None:
    with closing(take()) as first:
        number, timeout = pid(first), ask(first, "SHOW statement_timeout")
        ask(first, "CREATE TEMP TABLE pg_roles (rolname text)", "PREPARE p AS SELECT 1", "LISTEN news")
        ask(first, "SET statement_timeout = 9999; SET lock_timeout = 0; SET search_path = public; SET ROLE pg_monitor")
        ask(first, "SELECT pg_advisory_lock(815)")
        first.autocommit = False
    with closing(postgres.connect()) as other:
        assert ask(other, "SELECT pg_try_advisory_lock(815)"), "a lock ends with its holder's use of the session"
    with closing(take()) as second:
        assert pid(second) == number
        assert second.autocommit
        assert ask(second, "SHOW statement_timeout") == timeout
        assert ask(second, "SHOW lock_timeout") == "500ms"
        assert ask(second, "SHOW search_path") == '"pg_catalog",pg_temp'
        assert ask(second, "SHOW idle_session_timeout") == "0"
        assert ask(second, "SELECT current_user = session_user")
        assert ask(second, "SELECT count(*) FROM pg_prepared_statements") == 0
        assert ask(second, "SELECT count(*) FROM pg_listening_channels()") == 0
        assert ask(second, "SELECT count(*) FROM pg_class WHERE relpersistence = 't'") == 0
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert ask(second, held) == 0


def test_several_at_once_have_one_each_and_eight_are_kept(take: Take, postgres: PostgresServer) -> None:
    sessions = [take() for _ in range(9)]
    numbers = [pid(session) for session in sessions]
    assert len(set(numbers)) == 9
    for session in sessions:
        session.close()
    assert {pid(take()) for _ in range(8)} == set(numbers[1:])
    assert pid(take()) not in numbers


def test_a_transaction_is_rolled_back_with_its_session(take: Take) -> None:
    with closing(take()) as first:
        first.autocommit = False
        ask(first, "CREATE ROLE never_made")
        number = pid(first)
    with closing(take()) as second:
        assert pid(second) != number
        assert ask(second, "SELECT count(*) FROM pg_roles WHERE rolname = 'never_made'") == 0


def test_one_that_was_ended_meanwhile_is_replaced(take: Take, postgres: PostgresServer) -> None:
    first = take()
    number = pid(first)
    first.close()
    with closing(postgres.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (number,))
    with closing(take()) as second:
        assert pid(second) != number
        assert ask(second, "SELECT 1") == 1


def test_one_that_ends_in_use_is_not_kept(take: Take, postgres: PostgresServer) -> None:
    with closing(take()) as first:
        number = pid(first)
        with closing(postgres.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (number,))
        with pytest.raises(psycopg2.OperationalError):
            ask(first, "SELECT 1")
    assert pid(take()) != number


def test_an_old_one_is_ended(take: Take, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = take()
    number = pid(first)
    first.close()
    monkeypatch.setattr(kept_sessions, "_KEPT_SECONDS", 0.0)
    assert pid(take()) != number
    assert first.closed


def test_the_server_ends_one_that_rests_and_none_that_is_used(take: Take, postgres: PostgresServer) -> None:
    used, rests = take(rest_ms=50), take(rest_ms=50)
    number = pid(rests)
    rests.close()
    assert wait_until(lambda: not is_alive(postgres, number), within=20)
    assert ask(used, "SELECT 1") == 1


def test_closing_twice_gives_back_once(take: Take) -> None:
    first = take()
    first.close()
    first.close()
    assert first.closed
    assert ask(take(), "SELECT 1") == 1
