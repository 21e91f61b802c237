"""SQL that is worth naming, read from `tenantry/sql`."""

from functools import cache
from importlib.resources import files

from psycopg2 import sql


@cache
def load_sql(name: str) -> sql.SQL:
    """Load `sql/{name}.sql`; its `{placeholders}` are filled in with `format`."""
    return sql.SQL(files("tenantry.sql").joinpath(f"{name}.sql").read_text("utf-8"))
