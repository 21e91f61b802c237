"""Makes databases of a chosen size, with rows that compress as real ones do."""

from contextlib import closing
from pathlib import Path

from psycopg2 import sql

from benchmarks.stage import Stage
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import TenantId, owner_role

ROWS = 200_000
"""Rows of one portion, which takes some 100 MB."""

_FIRST = Path(__file__).with_name("applications.sql")
_PGBENCH = Path(__file__).with_name("pgbench_accounts.sql")
_MORE = Path(__file__).with_name("grow_applications.sql")


def make_database(stage: Stage, tenant_id: TenantId, portions: int) -> Credentials:
    """Provision a tenant with one table of that many portions of rows, indexed and vacuumed."""
    credentials = stage.make_tenant(tenant_id)
    rows = sql.Literal(ROWS)
    with closing(stage.connect(credentials.dbname)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner_role(tenant_id))))
        cursor.execute(sql.SQL(_FIRST.read_text()).format(rows=rows))
        for number in range(1, portions):
            cursor.execute(sql.SQL(_MORE.read_text()).format(rows=rows, round=sql.Literal(number)))
        cursor.execute("ALTER TABLE applications ADD PRIMARY KEY (id)")
        cursor.execute("VACUUM ANALYZE applications")
        cursor.execute("RESET ROLE; CHECKPOINT")
    return credentials


def make_pgbench_database(stage: Stage, tenant_id: TenantId) -> Credentials:
    """Provision a tenant with the two million accounts that pgbench makes at scale 20, some 300 MB."""
    credentials = stage.make_tenant(tenant_id)
    with closing(stage.connect(credentials.dbname)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner_role(tenant_id))))
        cursor.execute(_PGBENCH.read_text())
        cursor.execute("RESET ROLE; CHECKPOINT")
    return credentials


def database_bytes(stage: Stage, database: str) -> int:
    """Return the bytes of a database on disk."""
    with closing(stage.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        found = cursor.fetchone()
    return int(found[0]) if found else 0
