"""The databases that tenants of a server share: made when the first of them comes, and who may connect to one."""

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, known_roles, name_list, run
from tenantry.database.logins import login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.tenant import TenantId
from tenantry.homes.sessions import alter_logins, end_sessions

# Of an advisory lock in the database `postgres`: a server's shared databases are made once.
_LOCK = 0x74656E64
# Others live there too. A session can lift it for itself: those are found by `SessionWatch`.
_QUIET = sql.SQL("SET idle_in_transaction_session_timeout = '1min'")


class SharedDatabase:
    """A database of one server in which several tenants live."""

    def __init__(self, connect: AdminConnect, name: str) -> None:
        """Take how to connect as the server's administrator, and its name."""
        self._connect = connect
        self.name = name

    def exists(self) -> bool:
        """Tell whether it is there; then it is complete. :raises TenantryError: the server refused."""
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            return self._is_there(cursor)

    def ensure(self, prepare: Callable[[str], None] | None = None) -> None:
        """Make it where the server has none: nobody but the administrator may anything in it.

        It is made under another name, and renamed last: what has its name is complete, what was cut is made anew.

        :param prepare: called with that other name, to fill it.
        :raises TenantryError: the server refused.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            if self._is_there(cursor):
                # Those of earlier versions, too.
                run(self._connect, self.name, load_sql("homes/hide_locks"))
                return
            # Given back with the session, also when this process dies.
            execute(cursor, load_sql("database/wait_for_turn"), (_LOCK,))
            if not self._is_there(cursor):
                self._make(cursor, prepare)

    def open(self, tenant_id: TenantId) -> None:
        """Let a tenant's logins connect. :raises TenantryError: the server refused."""
        self._change_rights("GRANT CONNECT ON DATABASE {database} TO {login}", login_names(tenant_id))

    def close(self, tenant_id: TenantId) -> None:
        """Let a tenant's logins connect no more, and end their sessions.

        :raises Conflict: the sessions do not end.
        :raises TenantryError: the server refused.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            logins = known_roles(cursor, login_names(tenant_id))
        if logins:
            self._change_rights("REVOKE ALL ON DATABASE {database} FROM {login}", logins)
        end_sessions(self._connect, self.name, login_names(tenant_id))

    def identify(self, cursor: Any, tenant_id: TenantId, schema: str) -> None:
        """Let each of a tenant's logins say whose it is, find the tenant's tables first, and leave nothing lying.

        :raises TenantryError: the server refused.
        """
        named = sql.SQL("SET tenantry.tenant_id = {}").format(sql.Literal(tenant_id.value))
        placed = sql.SQL("SET search_path = {}").format(sql.Identifier(schema))
        alter_logins(cursor, tenant_id, self.name, named, placed, _QUIET)

    def forget(self, cursor: Any, tenant_id: TenantId) -> None:
        """Take back what `identify` and a fence have set. :raises TenantryError: the server refused."""
        alter_logins(cursor, tenant_id, self.name, sql.SQL("RESET ALL"))

    def _is_there(self, cursor: Any) -> bool:
        execute(cursor, "SELECT 1 FROM pg_database WHERE datname = %s", (self.name,))
        return cursor.fetchone() is not None

    def _make(self, cursor: Any, prepare: Callable[[str], None] | None) -> None:
        draft = f"{self.name}_draft"
        names = {"draft": sql.Identifier(draft), "database": sql.Identifier(self.name)}
        execute(cursor, sql.SQL("DROP DATABASE IF EXISTS {draft} WITH (FORCE)").format(**names))
        execute(cursor, sql.SQL("CREATE DATABASE {draft} TEMPLATE template0 ENCODING 'UTF8'").format(**names))
        execute(cursor, sql.SQL("REVOKE ALL ON DATABASE {draft} FROM PUBLIC").format(**names))
        run(self._connect, draft, sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"), load_sql("homes/hide_locks"))
        if prepare:
            prepare(draft)
        execute(cursor, sql.SQL("ALTER DATABASE {draft} RENAME TO {database}").format(**names))

    def _change_rights(self, statement: str, logins: Iterable[str]) -> None:
        change = sql.SQL(statement).format(database=sql.Identifier(self.name), login=name_list(logins))
        run(self._connect, "postgres", load_sql("homes/lock_database_rights") + change)
