"""SQL that is worth naming, read from the `sql` folder of the room that uses it."""

import re
from functools import cache
from importlib.resources import files

from psycopg2 import sql

_COMMENTS = re.compile(r"^\s*--.*\n", re.MULTILINE)


@cache
def load_sql(name: str) -> sql.SQL:
    """Load `room/name` from `tenantry/{room}/sql/{name}.sql`; `{placeholders}` in it are filled in with `format`.

    Lines that are comments are left out: a value filled in there would end the comment with its first line break, and
    go on as SQL.

    :param name: the room and the file, such as `homes/make_schema` or `reports/drift/drift_roles`.
    """
    room, _, file = name.rpartition("/")
    text = files("tenantry").joinpath(room, "sql", f"{file}.sql").read_text("utf-8")
    return sql.SQL(_COMMENTS.sub("", text))
