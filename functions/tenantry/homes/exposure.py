"""The schemas of a tenant's own database that its editor and viewer can reach, besides the home's schema.

They can always reach the home's schema, exposed or not: it has the tables of revisions, which exposed views may read.
"""

from collections.abc import Collection
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, in_transaction, name_list, role_identifiers, role_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import Home, TenantId


def check_callable(connect: AdminConnect, tenant_id: TenantId, home: Home, schema: str, function: str) -> None:
    """Check that a home has a function which all of a tenant's roles may call without arguments.

    :raises BadRequest: it has none, or one of them may not.
    :raises TenantryError: the server refused.
    """
    found: list[bool] = []

    def work(cursor: Any) -> None:
        names = {"schema": schema, "name": function, "roles": list(role_names(tenant_id).values())}
        execute(cursor, load_sql("homes/callable_function"), names)
        found.extend(bool(is_let) for (is_let,) in cursor.fetchall())

    in_transaction(connect, home.database, work)
    if not all(found or [False]):
        raise BadRequest(
            "The tenant's database has no such function that its users may call without arguments.",
            code="function_unknown",
            details=f"{schema}.{function}",
            hint="Make it as the tenant's owner first, and grant EXECUTE on it, and USAGE on its schema, to its roles.",
        )


class Exposure:
    """The rights of one tenant's editor and viewer. Every method is one transaction, and may be repeated."""

    def __init__(self, connect: AdminConnect, tenant_id: TenantId, home: Home) -> None:
        """Take the function that connects as the server's administrator, the tenant, and its home."""
        self._connect = connect
        self._home = home
        self._roles = role_names(tenant_id)
        self._names = role_identifiers(tenant_id)

    def change(self, exposed: Collection[str], hidden: Collection[str], kept: Collection[str] = ()) -> None:
        """Give both roles their rights on the exposed schemas, now and later, and revoke those on the hidden ones.

        :param kept: of the exposed ones, those whose rights stay as their owner has made them.
        :raises BadRequest: a schema that is to be exposed is missing; nothing is changed.
        :raises TenantryError: the server refused; nothing is changed.
        """

        def work(cursor: Any) -> None:
            missing = set(exposed) - self._present(cursor, exposed) - {self._home.schema}
            if missing:
                raise BadRequest(
                    "The tenant's database has no such schema.",
                    code="schema_unknown",
                    details=", ".join(sorted(missing)),
                    hint="Make it as the tenant's owner first. Schemas of extensions can't be exposed.",
                )
            self._run(cursor, "reach_schema", set(exposed) - set(kept))
            self._run(cursor, "leave_schema", hidden)

        in_transaction(self._connect, self._home.database, work)

    def renew(self, exposed: Collection[str]) -> None:
        """Let them reach those that have been exposed since what is here was backed up.

        Where one of them has a right already, the rights are those that there were, and stay.

        :raises TenantryError: the server refused; nothing is changed.
        """
        others = set(exposed) - {self._home.schema}
        if others:
            in_transaction(self._connect, self._home.database, lambda cursor: self._reach_unreached(cursor, others))

    def _reach_unreached(self, cursor: Any, schemas: Collection[str]) -> None:
        readers = [self._roles["editor"], self._roles["viewer"]]
        names = {"schemas": list(schemas), "readers": readers}
        execute(cursor, load_sql("homes/reached_schemas"), names)
        reached = {name for (name,) in cursor.fetchall()}
        self._run(cursor, "reach_schema", set(schemas) - reached)

    def _run(self, cursor: Any, script: str, schemas: Collection[str]) -> None:
        for schema in sorted(self._present(cursor, schemas) - {self._home.schema}):
            names = self._names | {"schema": sql.Identifier(schema), "makers": self._makers(cursor, schema)}
            execute(cursor, load_sql(f"homes/{script}").format(**names))

    def _present(self, cursor: Any, schemas: Collection[str]) -> set[str]:
        execute(cursor, load_sql("homes/own_schemas"), (list(schemas),))
        return {name for (name,) in cursor.fetchall()}

    def _makers(self, cursor: Any, schema: str) -> sql.Composable:
        """List the roles whose new tables both roles get to reach: the owner, and an adopted database's user, say."""
        readers = [self._roles["editor"], self._roles["viewer"]]
        execute(cursor, load_sql("homes/makers_in_schemas"), ([self._home.schema, schema], readers))
        return name_list(sorted({self._roles["owner"], *(name for (name,) in cursor.fetchall())}))
