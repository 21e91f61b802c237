"""A home of its own: one database for one tenant."""

from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import (
    MEMBERSHIP_OPTIONS_SINCE,
    AdminConnect,
    execute,
    in_transaction,
    known_roles,
    name_list,
    role_identifiers,
    role_names,
)
from tenantry.database.database_removal import drop_database
from tenantry.database.logins import backup_logins, login_names
from tenantry.database.marks import name_taken
from tenantry.database.sql_files import load_sql
from tenantry.domain.database_options import DatabaseOptions
from tenantry.domain.tenant import Home, TenantId
from tenantry.homes import sessions
from tenantry.homes.database_options import create_database, require_locale
from tenantry.homes.ownership import is_tenants_database
from tenantry.homes.rights import grant_rights, is_from_template
from tenantry.homes.swapping import readmit
from tenantry.homes.ties import find_ties, untie
from tenantry.homes.upgrading import migrate_own_home, own_home_revision, upgrade_own_home
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import NOBODY, Watch
from tenantry.revisions.templates import TemplateDatabases


class DatabaseHome:
    """Administers a tenant's own database; see `HomeAdmin` for what each method does."""

    def __init__(self, tenant_id: TenantId, home: Home, connect: AdminConnect) -> None:
        """Take whose it is, where it is, and how to connect as its server's administrator."""
        self._tenant_id = tenant_id
        self._connect = connect
        self._owner = role_names(tenant_id)["owner"]
        self._names: dict[str, sql.Composable] = {
            "database": sql.Identifier(home.database),
            "schema": sql.Identifier(home.schema),
            "tenant_id": sql.Literal(tenant_id.value),
            **role_identifiers(tenant_id),
        }
        self.home = home

    def make(self) -> None:
        """Make it from the template of the newest revision, so that its tables are there at once."""
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            if not self._is_there(cursor):
                template = sql.Identifier(TemplateDatabases(self._connect).ensure())
                create = "CREATE DATABASE {database} OWNER {owner} TEMPLATE {template} ALLOW_CONNECTIONS false"
                execute(cursor, sql.SQL(create).format(template=template, **self._names))
            execute(cursor, load_sql("homes/reserve_database").format(**self._names))
        # Rights before the right to connect: what can be reached is as it should be.
        if self._is_new():
            self.grant()
        self.upgrade()
        self.open()

    def make_empty(self, options: DatabaseOptions | None = None) -> None:
        """Make it anew, with an empty schema that the tenant's owner owns."""
        wanted = options or DatabaseOptions()
        require_locale(self._connect, wanted)
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            if self._is_there(cursor):
                drop_database(cursor, self.home.database)
            create_database(cursor, self.home.database, self._owner, wanted)
            execute(cursor, load_sql("homes/reserve_database").format(**self._names))
        with closing(self._connect(self.home.database)) as connection, connection.cursor() as cursor:
            make_schema = load_sql("homes/make_schema").format(**self._names)
            if connection.server_version < MEMBERSHIP_OPTIONS_SINCE:
                # There a database's owner has to inherit, to own the schema that the database comes with. One message
                # is one transaction: nobody sees it inherit.
                # One that lives in shared tables still inherits, and goes on to.
                inherit = sql.SQL("ALTER ROLE {owner} INHERIT; ").format(**self._names)
                execute(cursor, "SELECT rolinherit FROM pg_roles WHERE rolname = %s", (self._owner,))
                before = sql.SQL("INHERIT" if cursor.fetchone()[0] else "NOINHERIT")
                back = sql.SQL("ALTER ROLE {owner} {before}").format(before=before, **self._names)
                make_schema = inherit + make_schema + back
            execute(cursor, make_schema)

    def reserve(self) -> None:
        """Take back what its owner may have made of it meanwhile: settings, and others' rights to connect."""
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            execute(cursor, load_sql("homes/database_grantees"), (self.home.database,))
            for (grantee,) in cursor.fetchall():
                revoke = sql.SQL("REVOKE ALL ON DATABASE {database} FROM {grantee} CASCADE")
                execute(cursor, revoke.format(grantee=sql.Identifier(grantee), **self._names))
            execute(cursor, sql.SQL("ALTER DATABASE {database} RESET ALL").format(**self._names))
            execute(cursor, load_sql("homes/reserve_database").format(**self._names))

    def grant(self) -> None:
        """Give owner, editor and viewer their rights."""
        tenant_id, schema = self._tenant_id, self.home.schema
        in_transaction(self._connect, self.home.database, lambda cursor: grant_rights(cursor, tenant_id, schema))

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
        """Let the tenant's logins connect, and those for its backups."""
        self._change_logins("GRANT CONNECT ON DATABASE {database} TO {login}")

    def close(self) -> None:
        """Let the tenant's logins connect no more, and end everybody's sessions."""
        self._change_logins("REVOKE CONNECT ON DATABASE {database} FROM {login}")
        sessions.end_sessions(self._connect, self.home.database, login_names(self._tenant_id))
        self.end_sessions()

    def fence(self) -> None:
        """Let the tenant's logins only read."""
        sessions.fence(self._connect, self._tenant_id, self.home.database)

    def unfence(self) -> None:
        """Let the tenant's logins write again."""
        sessions.unfence(self._connect, self._tenant_id, self.home.database)

    def end_sessions(self) -> None:
        """End every session in it, whoever's."""
        sessions.end_sessions(self._connect, self.home.database)

    def size(self) -> int | None:
        """Measure the database."""
        query = "SELECT pg_database_size(oid) FROM pg_database WHERE datname = %s"
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            execute(cursor, query, (self.home.database,))
            found = cursor.fetchone()
            return int(found[0]) if found else None

    def untie(self) -> None:
        """Drop what is tied to the database, into which administrators are let for that.

        :raises Conflict: it is not the tenant's (`name_taken`).
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            is_there = self._is_there(cursor)
        if is_there and find_ties(self._connect, self._tenant_id, self.home):
            readmit(self._connect, self._tenant_id, self.home)
            untie(self._connect, self._tenant_id, self.home)

    def drop(self) -> None:
        """Drop the database, whoever is connected to it.

        :raises Conflict: it is not the tenant's (`name_taken`).
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            if self._is_there(cursor):
                drop_database(cursor, self.home.database)

    def _change_logins(self, statement: str) -> None:
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            logins = [*login_names(self._tenant_id), *known_roles(cursor, backup_logins(self._tenant_id))]
            execute(cursor, sql.SQL(statement).format(**self._names | {"login": name_list(logins)}))

    def _is_new(self) -> bool:
        """Whether nobody has been given rights to what came with the template; later the tenant may change them."""
        with closing(self._connect(self.home.database)) as connection, connection.cursor() as cursor:
            return is_from_template(cursor)

    def _is_there(self, cursor: Any) -> bool:
        is_own = is_tenants_database(cursor, self._tenant_id, self.home.database)
        if is_own is False:
            raise name_taken(f"database {self.home.database}")
        return is_own is not None
