"""Reads how chosen objects of a home are defined, in a home of which nothing is known and that may hold anything.

What a fingerprint reads, but with a bounded memory and a bounded time: a report looks into all homes, one after the
other, and no tenant may end it for the others.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from tenantry.contents.access import Access, begin
from tenantry.contents.fingerprint import definition_of, fetch_objects, objects_query, reading_objects
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import DatabaseTimeout
from tenantry.domain.fingerprint import Definition, Named
from tenantry.domain.tenant import Isolation

# Together they bound what a portion takes in memory, in bytes: some 16 MB.
_LONGEST_TEXT, _FETCHED = 1 << 16, 250
_NAMED_OTHERS = 11
# The kinds of `fingerprint_rare.sql`.
RARE_KINDS = frozenset(
    {
        "access method",
        "cast",
        "collation",
        "conversion",
        "event trigger",
        "extension",
        "foreign-data wrapper",
        "language",
        "operator",
        "operator class",
        "operator family",
        "publication",
        "server",
        "text search configuration",
        "text search dictionary",
        "text search parser",
        "text search template",
        "transform",
    }
)


class Structure(NamedTuple):
    """Chosen objects by kind and name, how many others there are, and the names of the first few of those."""

    objects: Mapping[Named, Definition]
    others: int = 0
    some_others: tuple[Named, ...] = ()


def read_structure(
    connection: Any,
    access: Access,
    chosen: Collection[Named] | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Structure:
    """Read how a home's objects are defined, in a transaction of its own, as the home's role.

    Of shared tables all are read, whosever their rows are. Names have `@` for the main schema. In a tenant's own home
    those that are not chosen are counted, but for the rare kinds: operators, casts, extensions and so on.

    :param connection: psycopg2's, in autocommit mode.
    :param chosen: which to read; None: all.
    :param is_over: whether there is no more time.
    :raises DatabaseTimeout: there was no more time (`out_of_time`).
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    begin(connection, access, "READ ONLY")
    try:
        with connection.cursor() as cursor:
            # Views are written with a lock on what they read, which others may hold for good. And a large catalogue
            # makes the planner believe that it is worth compiling the query.
            cursor.execute("SET LOCAL lock_timeout = '1s'; SET LOCAL jit = off")
        return _read(connection, access, chosen, is_over)
    finally:
        if not connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")


def _read(connection: Any, access: Access, chosen: Collection[Named] | None, is_over: Callable[[], bool]) -> Structure:
    home = access.home
    all_kinds = chosen is None or access.is_pooled
    rare = all_kinds or any(kind in RARE_KINDS for kind, _ in chosen or ())
    query = load_sql("contents/structure").format(objects=objects_query(rare=rare))
    schema = home.schema if home.isolation is Isolation.SCHEMA else None
    values = {"schema": schema, "main": home.schema, "longest": _LONGEST_TEXT}
    objects: dict[Named, Definition] = {}
    others, some_others = 0, list[Named]()
    with reading_objects(connection, [home.schema]) as (cursor, neutral):
        for number, (kind, name, *texts) in enumerate(fetch_objects(cursor, query, values, _FETCHED)):
            if number % _FETCHED == 0 and is_over():
                raise DatabaseTimeout(code="out_of_time")
            named = (kind, neutral.names(name))
            if chosen is None or named in chosen:
                objects[named] = definition_of(neutral, *texts)
            elif all_kinds or kind not in RARE_KINDS:
                others += 1
                some_others += [named] * (len(some_others) < _NAMED_OTHERS)
    return Structure(objects, others, tuple(some_others))
