"""Tells what is in a home without any code of ours: by pg_dump's definitions, COPY, and plain queries."""

import hashlib
import io
import os
import re
import subprocess
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from local.postgres_server import PostgresServer
from tenantry.domain.tenant import Home, Isolation, TenantId
from tests.integration.relocation.conftest import BINARIES

_ENTRY = re.compile(r"^--\n-- (?=(?:Data for )?Name: )", re.MULTILINE)
_RANDOM = re.compile(r"^\\(un)?restrict .*$", re.MULTILINE)
# Definitions are no fixed point in PostgreSQL itself: what was read once more has other casts and parentheses.
_CAST = re.compile(
    r"::(?:\"(?:[^\"]|\"\")+\"|[\w.])+(?: varying| precision| with(?:out)? time zone)?"
    r"(?:\(\d+(?:, ?-?\d+)?\))?(?:\[\])*"
)
_PARENTHESES = re.compile(r"[()\s]+")
# The options of a dictionary are stored as text, with the quotes that were wanted when they were written.
_NEEDLESS_QUOTES = re.compile(r'(?<![\w."])"([a-z_][a-z0-9_$]*)"(?= = )')
_ROWS = """
SELECT c.oid, format('%I.%I', n.nspname, c.relname),
       (SELECT string_agg(format('%I', attname), ', ' ORDER BY attname COLLATE "C") FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated) AND {scope} AND c.relpersistence <> 't'
"""
_SEQUENCES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND {scope}
"""
_LARGE = """
SELECT oid::text, pg_get_userbyid(lomowner) || ' ' || md5(lo_get(oid)) FROM pg_largeobject_metadata
"""
_CASTS = """
SELECT textsend(format('%s AS %s', castsource::regtype, casttarget::regtype)),
       textsend(
           concat_ws(' ', nullif(castfunc, 0)::regprocedure, castcontext, castmethod, obj_description(c.oid, 'pg_cast'))
       )
FROM pg_cast c JOIN pg_type t ON t.oid = castsource JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE c.oid >= 16384 AND {scope}
"""
_SAME_FOR_ALL = """
SET search_path = ''; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'UTC';
SET bytea_output = 'hex'; SET extra_float_digits = 1; SET lc_monetary = 'C'; SET client_encoding = 'UTF8';
SET standard_conforming_strings = on; SET xmlbinary = 'base64'; SET row_security = off; SET quote_all_identifiers = off;
SET statement_timeout = 0; SET array_nulls = on; SET default_transaction_isolation = 'read committed'
"""


@dataclass(frozen=True)
class Portrait:
    """What a home holds: each object's definition, and a checksum of each table, sequence and large object."""

    facts: dict[str, str]

    def differences(self, other: "Portrait") -> list[str]:
        """Say what is not the same in the other one."""
        names = sorted(self.facts.keys() | other.facts.keys())
        return [
            f"{name}\n    was: {self.facts.get(name)}\n    is:  {other.facts.get(name)}"
            for name in names
            if self.facts.get(name) != other.facts.get(name)
        ]


def portray(server: PostgresServer, tenant_id: TenantId, home: Home, *, as_schema: bool) -> Portrait:
    """Read what a home holds, as a superuser.

    :param as_schema: what a schema can have, also where the tenant has a database: for a promotion.
    """
    schema = home.schema if as_schema or home.isolation is Isolation.SCHEMA else None
    facts = _definitions(server, home, schema)
    with closing(server.connect(home.database)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(_SAME_FOR_ALL)
        facts |= _contents(cursor, schema)
    return Portrait({_neutral(key, tenant_id): _neutral(value, tenant_id) for key, value in facts.items()})


def _neutral(text: str, tenant_id: TenantId) -> str:
    return text.replace(tenant_id.value, "TENANT")


def _definitions(server: PostgresServer, home: Home, schema: str | None) -> dict[str, str]:
    limits = ["--create"] if schema is None else ["--schema", '"' + schema.replace('"', '""') + '"']
    command = [str(BINARIES / "pg_dump"), "--schema-only", "--no-sync", *limits]
    environment = os.environ | {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": server.admin_user,
        "PGPASSWORD": server.admin_password,
        "PGDATABASE": home.database,
        "PGCLIENTENCODING": "UTF8",
        "PGTZ": "UTC",
    }
    # pg_dump may cut a name within a letter, in a comment.
    dumped = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", errors="backslashreplace", check=False
    )
    assert dumped.returncode == 0, dumped.stderr
    found: dict[str, str] = {}
    for number, entry in enumerate(_ENTRY.split(_RANDOM.sub("", dumped.stdout))):
        heading, _, body = entry.partition("\n--\n")
        key = heading if number else "head"
        found[key] = "\n".join(sorted([*found.get(key, "").split("\n"), *_lines(body)]))
    return found


def _lines(body: str) -> list[str]:
    """Return a definition's lines in an order of their own: rights and inherited columns have none."""
    plain = (
        _PARENTHESES.sub("", _CAST.sub("", _NEEDLESS_QUOTES.sub(r"\1", line))).rstrip(",") for line in body.split("\n")
    )
    return [line for line in plain if line and not line.startswith("--")]


def _contents(cursor: Any, schema: str | None) -> dict[str, str]:
    scope, values = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'", {}
    if schema is not None:
        scope, values = "n.nspname = %(schema)s", {"schema": schema}
    found: dict[str, str] = {}
    for _, table, columns in _ask(cursor, _ROWS, scope, values):
        row = f"ROW({columns or ''})"
        output = _Checksum()
        cursor.copy_expert(
            f'COPY (SELECT {columns or ""} FROM ONLY {table} ORDER BY {row}::text COLLATE "C") TO STDOUT', output
        )
        found[f"rows of {table}"] = output.text
    for (sequence,) in _ask(cursor, _SEQUENCES, scope, values):
        cursor.execute(f"SELECT last_value, is_called FROM {sequence}")
        found[f"sequence {sequence}"] = str(cursor.fetchone())
    # A name may have been cut within a letter.
    casts = ((_text(name), _text(text)) for name, text in _ask(cursor, _CASTS, scope, values))
    found |= {f"cast {name}": text for name, text in casts}
    if schema is None:
        found |= {f"large object {name}": text for name, text in _ask(cursor, _LARGE, scope, values)}
    return found


def _ask(cursor: Any, query: str, scope: str, values: dict[str, str]) -> list[Any]:
    scope = cursor.mogrify(scope, values).decode() if values else scope
    cursor.execute(query.replace("{scope}", scope))
    return list(cursor.fetchall())


def _text(sent: memoryview) -> str:
    return bytes(sent).decode(errors="backslashreplace")


class _Checksum(io.RawIOBase):
    """Takes what COPY writes, and keeps its number of lines and their checksum."""

    def __init__(self) -> None:
        self._digest, self._lines = hashlib.md5(usedforsecurity=False), 0

    def write(self, data: Any) -> int:
        self._digest.update(data)
        self._lines += bytes(data).count(b"\n")
        return len(data)

    @property
    def text(self) -> str:
        return f"{self._lines} rows, {self._digest.hexdigest()}"
