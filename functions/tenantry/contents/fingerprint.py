"""Reads how all objects in a home are defined, so that what is lost or changed on the way to a copy is noticed.

Rows, rights and owners are compared separately. Tables that tenants share are not the tenant's own to compare.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from psycopg2 import sql
from psycopg2.extensions import BYTES, register_type

from tenantry.contents.definition_text import Neutraliser
from tenantry.database.sql_files import load_sql
from tenantry.domain.fingerprint import Definition, Fingerprint, fingerprint_of, short_digest
from tenantry.domain.tenant import Home, Isolation

_MAJOR = 10_000
_FETCHED = 5_000
_MARK_BITS = 128
# What a database is set to is copied by other means, as far as its owner may set it: only a later change counts.
_MARKED_ONLY = "setting"


class Defined(NamedTuple):
    """A home's fingerprint, and a mark that any change of a definition changes, in the same home on the same server."""

    fingerprint: Fingerprint
    mark: str


def read_fingerprint(connection: Any, home: Home, *, narrow: bool = False, beside: Collection[str] = ()) -> Defined:
    """Read how everything in a home is defined, within the caller's transaction.

    :param narrow: read the home's schema only, even if the whole database is the tenant's.
    :param beside: main schemas of homes that it is compared with.
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    if home.isolation is Isolation.POOLED:
        return Defined(Fingerprint(_major(connection)), "")
    whole = home.isolation is Isolation.DATABASE and not narrow
    sums: list[int] = []

    def definitions(cursor: Any, neutral: Neutraliser) -> Iterator[tuple[str, str, Definition]]:
        scope = {"schema": None if whole else home.schema, "main": home.schema}
        for row in fetch_objects(cursor, objects_query(), scope, _FETCHED):
            sums.append(_number(row))
            kind, name, *texts = row
            if kind != _MARKED_ONLY:
                yield kind, neutral.names(name), definition_of(neutral, *texts)

    with reading_objects(connection, [home.schema, *beside]) as (cursor, neutral):
        fingerprint = fingerprint_of(_major(connection), definitions(cursor, neutral))
    # A sum: the objects come in no order.
    return Defined(fingerprint, f"{sum(sums) % (1 << _MARK_BITS):032x}")


@contextmanager
def reading_objects(connection: Any, mains: Collection[str]) -> Iterator[tuple[Any, Neutraliser]]:
    """Give a cursor for `fetch_objects` within the caller's transaction, and what writes these main schemas as `@`.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        # With this search path, the query can't meet a tenant's functions, operators or temporary tables.
        cursor.execute("SAVEPOINT tenantry_fingerprint; SET LOCAL search_path = pg_catalog, pg_temp")
        cursor.execute("SELECT ARRAY(SELECT quote_ident(name) FROM unnest(%s::text[]) name)", ([*mains],))
        yield cursor, Neutraliser(cursor.fetchone()[0])
        cursor.execute("ROLLBACK TO SAVEPOINT tenantry_fingerprint")


def objects_query(*, rare: bool = True) -> sql.Composable:
    """Return the query for objects. :param rare: also for those of the kinds of `fingerprint_rare.sql`."""
    part = load_sql("contents/fingerprint_rare") if rare else sql.SQL("")
    return load_sql("contents/fingerprint").format(rare=part)


def fetch_objects(
    cursor: Any, query: sql.Composable, values: Mapping[str, Any], at_once: int
) -> Iterator[tuple[str, ...]]:
    """Fetch a query's rows of texts in portions: a tenant may have made very many objects, or very long ones.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    cursor.execute(sql.SQL("DECLARE tenantry_objects NO SCROLL CURSOR FOR ") + query, values)
    # A database may hold bytes of no encoding.
    register_type(BYTES, cursor)
    while True:
        cursor.execute("FETCH %s FROM tenantry_objects", (at_once,))
        found = cursor.fetchall()
        yield from (tuple(text.decode(errors="backslashreplace") for text in row) for row in found)
        if len(found) < at_once:
            return


def definition_of(neutral: Neutraliser, named: str, own: str, written: str) -> Definition:
    """Digest an object's definition, in the three parts in which `fingerprint.sql` has it."""
    plain = short_digest(f"{neutral.names(named)}\0{own}")
    return Definition(plain, short_digest(neutral.written(written)) if written else "")


def _number(row: tuple[str, ...]) -> int:
    text = "\0".join(row)
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=_MARK_BITS // 8).digest())


def _major(connection: Any) -> int:
    return int(connection.server_version) // _MAJOR
