"""Reads twenty rows, each with a to-one and a to-many, against hand-written SQL on the same connection."""

from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.handler_connection import acting_as, handler_connection
from benchmarks.library import embed_event, entries, library_event, make_library
from benchmarks.results import Result
from benchmarks.stage import Stage, call_handler
from benchmarks.timing import take_turns, time_calls
from tenantry.domain.tenant import Role, TenantId

_TENANT = TenantId("embed-read")
# The SQL that somebody who knows this schema would write.
_BY_HAND = """
SELECT json_agg(row_to_json(found))::text
FROM (
    SELECT b.id, b.title,
        (SELECT row_to_json(a) FROM (SELECT authors.id, authors.name FROM authors WHERE authors.id = b.author_id) a)
            AS author,
        (SELECT coalesce(json_agg(r), '[]')
         FROM (SELECT reviews.id, reviews.stars FROM reviews WHERE reviews.book_id = b.id) r) AS reviews
    FROM books b ORDER BY b.id LIMIT 20
) found
"""
_INSERT_BY_HAND = """
INSERT INTO entries (amount, at, name)
SELECT amount, at, name FROM json_populate_recordset(NULL::entries, %s)
"""
_ROUNDS, _CALLS = 40, 50
_ROWS = 1_000


def run(stage: Stage) -> list[Result]:
    """p50 of the handler over that of the SQL, in turns: a read with embedded tables, an insert of 1,000 rows."""
    make_library(stage, _TENANT)
    read, insert = embed_event(_TENANT), _insert_event()
    time_calls(lambda: call_handler(read, 200), 2 * _CALLS)
    connection = handler_connection(_TENANT)
    ours, by_hand = _compare(
        connection, lambda: call_handler(read, 200), lambda: _execute(connection, _BY_HAND), _CALLS
    )
    rows = insert["body"]
    wrote, wrote_by_hand = _compare(
        connection, lambda: call_handler(insert, 201), lambda: _execute(connection, _INSERT_BY_HAND, rows), 3
    )
    return [
        Result("embed_read", "us", ours, by_hand, at_most=1.7),
        Result("bulk_insert", "us", wrote, wrote_by_hand, at_most=1.5),
    ]


def _insert_event() -> dict[str, Any]:
    return library_event(_TENANT, {"table": "entries"}, {}, method="POST", body=entries(_ROWS))


def _compare(
    connection: Any, handler: Callable[[], None], by_hand: Callable[[], None], calls: int
) -> tuple[float, float]:
    def bare() -> list[float]:
        with acting_as(connection, _TENANT, Role.EDITOR):
            return time_calls(by_hand, calls)

    ours, theirs = take_turns(lambda: time_calls(handler, calls), bare, rounds=_ROUNDS)
    return median(ours) * 1e6, median(theirs) * 1e6


def _execute(connection: Any, statement: str, *values: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        if cursor.description:
            cursor.fetchall()
