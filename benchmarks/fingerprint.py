"""Reads how 500 tables are defined, with their keys, indexes, defaults and comments, as each backup and copy does."""

from contextlib import closing
from statistics import median

from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import Stage
from benchmarks.timing import time_calls
from tenantry.contents.fingerprint import read_fingerprint
from tenantry.domain.tenant import Home, Isolation

_DATABASE = "bench_fingerprint"
_TABLES = 500
_CALLS = 9
_TARGET_MS = 300.0
_MILLISECONDS = 1000.0
_TABLE = """
CREATE TABLE "table {n}" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL DEFAULT 'nobody',
    status varchar(20) CHECK (status IN ('new', 'old')),
    at timestamptz DEFAULT now(),
    parent_id bigint REFERENCES "table {parent}"
);
CREATE INDEX ON "table {n}" (lower(name), status) WHERE status = 'new';
COMMENT ON TABLE "table {n}" IS 'a table';
COMMENT ON COLUMN "table {n}".name IS 'a name';
"""


def run(stage: Stage) -> list[Result]:
    """Milliseconds to read the fingerprint of a database of 500 tables with keys, indexes, defaults and comments, over
    the 300 that it may take of a backup, a drill and a copy; medians of 9.
    """
    with closing(stage.connect("postgres")) as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {_DATABASE}")
        try:
            seconds = _measure(stage)
        finally:
            cursor.execute(f"DROP DATABASE {_DATABASE} WITH (FORCE)")
    return [Result("fingerprint.read", "ms", median(seconds) * _MILLISECONDS, _TARGET_MS, at_most=1.0)]


def _measure(stage: Stage) -> list[float]:
    home = Home("", Isolation.DATABASE, _DATABASE, "public")
    with closing(stage.connect(_DATABASE)) as connection, connection.cursor() as cursor:
        for n in range(_TABLES):
            cursor.execute(_TABLE.format(n=n, parent=max(n - 1, 0)))
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("BEGIN READ ONLY")
        found = read_fingerprint(connection, home).fingerprint
        if found.kinds["table"].count != _TABLES:
            raise BenchmarkFailed("the fingerprint lacks tables")
        return time_calls(lambda: read_fingerprint(connection, home), _CALLS)
