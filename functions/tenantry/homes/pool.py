"""The shared tables of a server: their database, their roles, and the revision that they are at."""

from contextlib import closing

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, join_roles
from tenantry.database.marks import SERVER_MARK, ensure_role
from tenantry.database.patience import ending_in
from tenantry.database.revisions import upgrade_home
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import StatementFailed
from tenantry.homes.pool_shape import POOL_EDITORS, POOL_ROLE, POOL_VIEWERS, PoolShape
from tenantry.homes.shared_database import SharedDatabase


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
        shape, name = PoolShape(self._schema), database or self.database.name
        ending = ending_in(self._connect, name)
        try:
            return upgrade_home(self._connect, name, POOL_ROLE, self._schema, shape, ending)
        except StatementFailed as exc:
            if conflict := shape.explain(exc):
                raise conflict from exc
            raise

    def _prepare(self, draft: str) -> None:
        with closing(self._connect(draft)) as connection, connection.cursor() as cursor:
            for role in (POOL_ROLE, POOL_VIEWERS, POOL_EDITORS):
                ensure_role(cursor, role, "NOLOGIN", (SERVER_MARK,))
            join_roles(cursor, [POOL_ROLE])
            names = {"database": draft, "schema": self._schema, "role": POOL_ROLE}
            quoted = {word: sql.Identifier(name) for word, name in names.items()}
            execute(cursor, load_sql("homes/reserve_pool").format(**quoted))
        self.upgrade(draft)
