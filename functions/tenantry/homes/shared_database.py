"""The databases that tenants of a server share: made when the first of them comes, and who may connect to one."""

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, known_roles, name_list, run
from tenantry.database.database_removal import drop_database
from tenantry.database.logins import backup_logins, login_names
from tenantry.database.marks import create_marked_database, is_our_database, mark_database, name_taken
from tenantry.database.sql_files import load_sql
from tenantry.domain.tenant import TenantId
from tenantry.homes.pool_shape import POOL_ROLE
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
            execute(cursor, "SELECT 1 FROM pg_database WHERE datname = %s", (self.name,))
            return cursor.fetchone() is not None

    def is_foreign(self) -> bool:
        """Tell whether a database has its name that is not ours. :raises TenantryError: the server refused."""
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            return is_our_database(cursor, self.name) is False and not self._is_as_made(cursor, self.name)

    def ensure(self, prepare: Callable[[str], None] | None = None) -> None:
        """Make it where the server has none: nobody but the administrator may anything in it.

        It is made under another name, and renamed last: what has its name is complete, what was cut is made anew.

        :param prepare: called with that other name, to fill it.
        :raises Conflict: a database that is not ours has one of these names (`name_taken`).
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
        """Let a tenant's logins connect, and those for its backups. :raises TenantryError: the server refused."""
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            logins = [*login_names(tenant_id), *known_roles(cursor, backup_logins(tenant_id))]
        self._change_rights("GRANT CONNECT ON DATABASE {database} TO {login}", logins)

    def close(self, tenant_id: TenantId) -> None:
        """Let a tenant's logins connect no more, and end their sessions.

        :raises Conflict: the sessions do not end.
        :raises TenantryError: the server refused.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            logins = known_roles(cursor, [*login_names(tenant_id), *backup_logins(tenant_id)])
        if logins:
            self._change_rights("REVOKE ALL ON DATABASE {database} FROM {login}", logins)
        end_sessions(self._connect, self.name, (*login_names(tenant_id), *backup_logins(tenant_id)))

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
        is_ours = is_our_database(cursor, self.name)
        if is_ours is False:
            if not self._is_as_made(cursor, self.name):
                raise name_taken(f"database {self.name}")
            mark_database(cursor, self.name)
        return is_ours is not None

    def _is_as_made(self, cursor: Any, name: str) -> bool:
        """Tell whether it was made before there were marks.

        Logins say there whose they are, as only an administrator can let them; or nobody may connect, and nothing is in
        it but the pool.
        """
        execute(cursor, load_sql("homes/logins_say_whose"), (name,))
        if cursor.fetchone()[0]:
            return True
        with closing(self._connect(name)) as connection, connection.cursor() as inside:
            execute(inside, load_sql("homes/shared_as_made").format(pool=sql.Literal(POOL_ROLE)))
            return bool(inside.fetchone()[0])

    def _make(self, cursor: Any, prepare: Callable[[str], None] | None) -> None:
        draft = f"{self.name}_draft"
        names = {"draft": sql.Identifier(draft), "database": sql.Identifier(self.name)}
        if is_our_database(cursor, draft) is False and not self._is_as_made(cursor, draft):
            raise name_taken(f"database {draft}")
        drop_database(cursor, draft)
        create_marked_database(cursor, draft)
        execute(cursor, sql.SQL("REVOKE ALL ON DATABASE {draft} FROM PUBLIC").format(**names))
        run(self._connect, draft, sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"), load_sql("homes/hide_locks"))
        if prepare:
            prepare(draft)
        execute(cursor, sql.SQL("ALTER DATABASE {draft} RENAME TO {database}").format(**names))

    def _change_rights(self, statement: str, logins: Iterable[str]) -> None:
        change = sql.SQL(statement).format(database=sql.Identifier(self.name), login=name_list(logins))
        run(self._connect, "postgres", load_sql("homes/lock_database_rights") + change)
