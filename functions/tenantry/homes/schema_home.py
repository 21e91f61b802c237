"""A home in a shared database: one schema for one tenant."""

from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, in_transaction, role_identifiers, role_names
from tenantry.database.logins import backup_logins, login_names
from tenantry.database.marks import name_taken
from tenantry.database.sql_files import load_sql
from tenantry.domain.database_options import DatabaseOptions
from tenantry.domain.restore import is_kept
from tenantry.domain.tenant import Home, TenantId
from tenantry.homes import sessions
from tenantry.homes.detached import find_detached
from tenantry.homes.large_objects import drop_large_objects
from tenantry.homes.ownership import schema_owner
from tenantry.homes.rights import grant_rights
from tenantry.homes.shared_database import SharedDatabase
from tenantry.homes.ties import untie
from tenantry.homes.upgrading import migrate_own_home, own_home_revision, upgrade_own_home
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import NOBODY, Watch


class SchemaHome:
    """Administers a tenant's schema; see `HomeAdmin` for what each method does."""

    def __init__(self, tenant_id: TenantId, home: Home, connect: AdminConnect) -> None:
        """Take whose it is, where it is, and how to connect as its server's administrator."""
        self._tenant_id = tenant_id
        self._connect = connect
        self._owner = role_names(tenant_id)["owner"]
        self._shared = SharedDatabase(connect, home.database)
        self._names: dict[str, sql.Composable] = {
            "schema": sql.Identifier(home.schema),
            **role_identifiers(tenant_id),
        }
        self.home = home

    def make(self) -> None:
        """Make the schema, and run the revisions in it."""
        self._shared.ensure()
        in_transaction(self._connect, self.home.database, self._make, shared=True)
        self.upgrade()
        self.open()

    def _make(self, cursor: Any) -> None:
        if not self._is_there(cursor):
            # Together: to what is there, the rights are the tenant's own to change.
            execute(cursor, sql.SQL("CREATE SCHEMA {schema} AUTHORIZATION {owner}").format(**self._names))
            grant_rights(cursor, self._tenant_id, self.home.schema)
        self._shared.identify(cursor, self._tenant_id, self.home.schema)

    def make_empty(self, options: DatabaseOptions | None = None) -> None:  # noqa: ARG002 - the database is there
        """Make the schema anew, with nothing in it."""
        self._shared.ensure()
        self.close()
        with closing(self._connect(self.home.database)) as connection, connection.cursor() as cursor:
            if self._is_there(cursor):
                self._drop_schema(cursor)
            execute(cursor, sql.SQL("CREATE SCHEMA {schema} AUTHORIZATION {owner}").format(**self._names))
            self._shared.identify(cursor, self._tenant_id, self.home.schema)

    def grant(self) -> None:
        """Give owner, editor and viewer their rights."""
        tenant_id, schema = self._tenant_id, self.home.schema
        in_transaction(
            self._connect, self.home.database, lambda cursor: grant_rights(cursor, tenant_id, schema), shared=True
        )

    def upgrade(self) -> str:
        """Bring it to the newest revision."""
        return upgrade_own_home(self._connect, self._tenant_id, self.home)

    def revision(self) -> str | None:
        """Tell which revision it is at."""
        return own_home_revision(self._connect, self.home)

    def migrate(self, target: str, scripts: RenderedHistory, watch: Watch = NOBODY) -> str:
        """Bring it to a revision."""
        return migrate_own_home(self._connect, self._tenant_id, self.home, target, scripts, watch)

    def open(self) -> None:
        """Let the tenant's logins connect."""
        self._shared.open(self._tenant_id)

    def close(self) -> None:
        """Let the tenant's logins connect no more."""
        self._shared.close(self._tenant_id)

    def fence(self) -> None:
        """Let the tenant's logins only read."""
        sessions.fence(self._connect, self._tenant_id, self.home.database)

    def unfence(self) -> None:
        """Let the tenant's logins write again."""
        sessions.unfence(self._connect, self._tenant_id, self.home.database)

    def end_sessions(self) -> None:
        """End the sessions of the tenant's logins there."""
        logins = (*login_names(self._tenant_id), *backup_logins(self._tenant_id))
        sessions.end_sessions(self._connect, self.home.database, logins)

    def size(self) -> int | None:
        """Add up what lies in the schema."""
        if not self._shared.exists():
            return None
        with closing(self._connect(self.home.database)) as connection, connection.cursor() as cursor:
            execute(cursor, load_sql("homes/schema_size"), (self.home.schema,))
            found = cursor.fetchone()
            return int(found[0]) if found else None

    def untie(self) -> None:
        """Roll back what the tenant has prepared."""
        untie(self._connect, self._tenant_id, self.home)

    def drop(self) -> None:
        """Drop the schema and what was put beside it, and take back what the logins may and say in that database.

        :raises Conflict: there is a schema of that name which is not the tenant's (`name_taken`).
        """
        if not self._shared.exists():
            return
        with closing(self._connect(self.home.database)) as connection, connection.cursor() as cursor:
            is_there = self._is_there(cursor)
            if is_kept(self._tenant_id, self.home):
                # What a restore took the place of: the tenant lives in the same database, and its logins go on.
                if is_there:
                    self._drop_schema(cursor)
                return
            self.close()
            for detached in find_detached(cursor, self._tenant_id):
                self._drop_schema(cursor, sql.Identifier(detached))
            if is_there:
                self._drop_schema(cursor)
            drop_large_objects(cursor, self._tenant_id)
            self._shared.forget(cursor, self._tenant_id)

    def _is_there(self, cursor: Any) -> bool:
        found = schema_owner(cursor, self.home.schema)
        if found not in (None, self._owner):
            raise name_taken(f"schema {self.home.schema}")
        return found is not None

    def _drop_schema(self, cursor: Any, schema: sql.Composable | None = None) -> None:
        # A large schema takes longer than an administrator's statement usually may.
        drop = sql.SQL("SET statement_timeout = '10min'; DROP SCHEMA {} CASCADE")
        execute(cursor, drop.format(schema or self._names["schema"]))
