"""The shared tables of a server: their database, their roles, and the revision that they are at."""

from contextlib import closing

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, join_roles
from tenantry.database.marks import SERVER_MARK, ensure_role
from tenantry.database.patience import ending_in, patience_of, patiently
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import StatementFailed
from tenantry.homes.pool_shape import POOL_EDITORS, POOL_ROLE, POOL_VIEWERS, PoolShape
from tenantry.homes.shared_database import SharedDatabase
from tenantry.revisions.history import History, head_revision
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import NOBODY, Migration, Watch, alone_with
from tenantry.revisions.version import schema_revision


class Pool:
    """Shared tables of one server."""

    def __init__(self, connect: AdminConnect, database: str, schema: str) -> None:
        """Take how to connect as the server's administrator, and where the tables lie."""
        self._connect = connect
        self._schema = schema
        self.database = SharedDatabase(connect, database)

    def ensure(self) -> None:
        """Make roles, database and tables, where the server has none.

        :raises Conflict: the tables of the newest revision can't be shared.
        :raises TenantryError: the server refused.
        """
        self.database.ensure(self._prepare)

    def upgrade(self, database: str | None = None) -> str:
        """Bring the tables, every tenant's, to the newest revision.

        :returns: the revision that they are at then.
        :raises Conflict: they are at a revision that is not known here, or those of the newest can't be shared.
        :raises TenantryError: the server refused; the tables are as they were.
        """
        name, newest = database or self.database.name, head_revision()
        if self.revision(name) == newest:
            return newest
        return self.migrate(newest, RenderedHistory(History()), database=name)

    def revision(self, database: str | None = None) -> str | None:
        """Tell which revision the tables are at. :raises TenantryError: the server refused."""
        name = database or self.database.name
        with closing(self._connect(name)) as connection:
            ending = ending_in(self._connect, name)
            return patiently(lambda: schema_revision(connection, self._schema), patience_of(self._connect), ending)

    def migrate(self, target: str, scripts: RenderedHistory, watch: Watch = NOBODY, database: str | None = None) -> str:
        """Bring the tables, every tenant's, to a revision, forward or back.

        :param target: the id of a revision; empty before the first.
        :returns: the revision that they are at then.
        :raises Conflict: as `Migration.run`, or the tables can't be shared (`pool_unsupported`).
        :raises TenantryError: the server refused; the tables are as the last whole step left them.
        """
        name, shape = database or self.database.name, PoolShape(self._schema)
        with alone_with(self._connect, name, self._schema), closing(self._connect(name)) as connection:
            migration = Migration(
                scripts,
                connection,
                POOL_ROLE,
                self._schema,
                shape=shape,
                patience=patience_of(self._connect),
                ending=ending_in(self._connect, name),
                watch=watch,
            )
            try:
                return migration.run(target)
            except StatementFailed as exc:
                if conflict := shape.explain(exc):
                    raise conflict from exc
                raise

    def _prepare(self, draft: str) -> None:
        self.reserve(draft)
        self.upgrade(draft)

    def reserve(self, database: str) -> None:
        """Let revisions of shared tables run in a new database. :raises TenantryError: the server refused."""
        with closing(self._connect(database)) as connection, connection.cursor() as cursor:
            for role in (POOL_ROLE, POOL_VIEWERS, POOL_EDITORS):
                ensure_role(cursor, role, "NOLOGIN", (SERVER_MARK,))
            join_roles(cursor, [POOL_ROLE])
            names = {"database": database, "schema": self._schema, "role": POOL_ROLE}
            quoted = {word: sql.Identifier(name) for word, name in names.items()}
            execute(cursor, load_sql("homes/reserve_pool").format(**quoted))
