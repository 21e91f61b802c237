"""A home in shared tables: the rows of one tenant."""

from collections.abc import Collection, Iterable
from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import (
    MEMBERSHIP_OPTIONS_SINCE,
    AdminConnect,
    execute,
    in_transaction,
    known_roles,
)
from tenantry.database.logins import login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.database_options import DatabaseOptions
from tenantry.domain.revision import VERSION_TABLE
from tenantry.domain.tenant import Home, TenantId, pool_groups
from tenantry.homes import sessions
from tenantry.homes.large_objects import drop_large_objects
from tenantry.homes.pool import Pool
from tenantry.homes.pool_shape import POOL_EDITORS, POOL_ROLE, POOL_VIEWERS
from tenantry.homes.ties import untie
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import NOBODY, Watch


class PooledHome:
    """Administers a tenant's rows; see `HomeAdmin` for what each method does."""

    def __init__(self, tenant_id: TenantId, home: Home, connect: AdminConnect) -> None:
        """Take whose it is, where it is, and how to connect as its server's administrator."""
        self._tenant_id = tenant_id
        self._connect = connect
        self._pool = Pool(connect, home.database, home.schema)
        self._groups = pool_groups(tenant_id)
        self.home = home

    def make(self) -> None:
        """Let the tenant's roles reach the tables, which are there before it."""
        self._pool.ensure()
        self.grant()
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            self._pool.database.identify(cursor, self._tenant_id, self.home.schema)
        self.upgrade()
        self.open()

    def make_empty(self, options: DatabaseOptions | None = None) -> None:  # noqa: ARG002 - the database is there
        """Delete what rows it has."""
        self._pool.ensure()
        self.close()
        self._delete_rows()
        self.grant()
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            self._pool.database.identify(cursor, self._tenant_id, self.home.schema)

    def grant(self) -> None:
        """Make owner, editor and viewer members of the groups that hold the rights."""
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            with_options = connection.server_version >= MEMBERSHIP_OPTIONS_SINCE
            for role, group in self._groups.items():
                names = {"group": sql.Identifier(group), "role": sql.Identifier(role)}
                # They have the group's rights without becoming it. PostgreSQL 15 knows that of a role only.
                text = (
                    "GRANT {group} TO {role} WITH INHERIT TRUE, SET FALSE"
                    if with_options
                    else "GRANT {group} TO {role}; ALTER ROLE {role} INHERIT"
                )
                execute(cursor, sql.SQL(text).format(**names))

    def upgrade(self) -> str:
        """Bring the shared tables to the newest revision, for all who live there."""
        return self._pool.upgrade()

    def revision(self) -> str | None:
        """Tell which revision the shared tables are at."""
        return self._pool.revision()

    def migrate(self, target: str, scripts: RenderedHistory, watch: Watch = NOBODY) -> str:
        """Bring the shared tables to a revision, for all who live there."""
        return self._pool.migrate(target, scripts, watch)

    def open(self) -> None:
        """Let the tenant's logins connect."""
        self._pool.database.open(self._tenant_id)

    def close(self) -> None:
        """Let the tenant's logins connect no more."""
        self._pool.database.close(self._tenant_id)

    def fence(self) -> None:
        """Let the tenant's logins only read."""
        sessions.fence(self._connect, self._tenant_id, self.home.database)

    def unfence(self) -> None:
        """Let the tenant's logins write again."""
        sessions.unfence(self._connect, self._tenant_id, self.home.database)

    def end_sessions(self) -> None:
        """End the sessions of the tenant's logins there."""
        sessions.end_sessions(self._connect, self.home.database, login_names(self._tenant_id))

    def size(self) -> int | None:
        """Estimate its share of the tables: as many of their bytes as of their rows."""
        if not self._pool.database.exists():
            return None
        with closing(self._connect(self.home.database)) as connection, connection.cursor() as cursor:
            execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(POOL_ROLE)))
            total = rows = 0
            for table in self._tables(cursor):
                name = sql.Identifier(self.home.schema, table)
                quoted = sql.Literal(name.as_string(connection))
                share_of = load_sql("homes/pool_share").format(table=name, name=quoted, tenant=self._literal())
                execute(cursor, share_of)
                own, share = cursor.fetchone()
                rows, total = rows + own, total + share
            return total if rows or self._is_member(cursor) else None

    def untie(self) -> None:
        """Roll back what the tenant has prepared."""
        untie(self._connect, self._tenant_id, self.home)

    def drop(self) -> None:
        """Delete its rows, and take back what its roles may and its logins say there."""
        if not self._pool.database.exists():
            return
        self.close()
        self._delete_rows()
        with closing(self._connect(self.home.database)) as connection, connection.cursor() as cursor:
            drop_large_objects(cursor, self._tenant_id)
            for role in known_roles(cursor, self._groups):
                revoke = sql.SQL("REVOKE {} FROM {}")
                execute(cursor, revoke.format(sql.Identifier(self._groups[role]), sql.Identifier(role)))
            self._pool.database.forget(cursor, self._tenant_id)

    def _delete_rows(self) -> None:
        in_transaction(self._connect, self.home.database, self.delete_rows, shared=True)

    def delete_rows(self, cursor: Any, only: Collection[str] | None = None) -> None:
        """Delete its rows in a transaction of the caller's, as the role that owns the tables and remains.

        :param only: the tables to delete from; None: all.
        :raises TenantryError: the server refused.
        """
        # Many rows take longer than an administrator's statement usually may.
        execute(cursor, "SET LOCAL statement_timeout = '10min'")
        execute(cursor, sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(POOL_ROLE)))
        execute(cursor, "SET CONSTRAINTS ALL DEFERRED")
        for table in self._tables(cursor):
            if only is not None and table not in only:
                continue
            delete = sql.SQL("DELETE FROM {} WHERE tenant_id = {}")
            execute(cursor, delete.format(sql.Identifier(self.home.schema, table), self._literal()))

    def _tables(self, cursor: Any) -> list[str]:
        """Name the shared tables; one that refers to another stands before it."""
        execute(cursor, load_sql("homes/pool_references"), (self.home.schema, VERSION_TABLE))
        return _referring_first(cursor.fetchall())

    def _is_member(self, cursor: Any) -> bool:
        execute(cursor, load_sql("homes/pool_membership"), (list(self._groups), [POOL_VIEWERS, POOL_EDITORS]))
        return bool(cursor.fetchone()[0])

    def _literal(self) -> sql.Composable:
        return sql.Literal(self._tenant_id.value)


def _referring_first(references: Iterable[tuple[str, list[str]]]) -> list[str]:
    """Order tables, given with those that refer to them."""
    waiting = {table: set(referring) - {table} for table, referring in references}
    ordered: list[str] = []
    while waiting:
        # In a circle anyone goes first: its constraints are deferred.
        table = next(
            (name for name, referring in waiting.items() if not referring & waiting.keys()), next(iter(waiting))
        )
        del waiting[table]
        ordered.append(table)
    return ordered
