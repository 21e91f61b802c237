"""SQL that is worth naming, read from the `sql` folder of the room that uses it."""

from functools import cache
from importlib.resources import files

from psycopg2 import sql


@cache
def load_sql(name: str) -> sql.SQL:
    """Load `room/name` from `tenantry/{room}/sql/{name}.sql`; `{placeholders}` in it are filled in with `format`.

    :param name: the room and the file, such as `homes/make_schema` or `reports/drift/drift_roles`.
    """
    room, _, file = name.rpartition("/")
    return sql.SQL(files("tenantry").joinpath(room, "sql", f"{file}.sql").read_text("utf-8"))
