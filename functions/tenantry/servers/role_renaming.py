"""Renames a tenant's roles and home on a server after a new tenant id; the data stays where it is.

Every method may be repeated, also after a crash at any point.
"""

from contextlib import closing
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from tenantry.database.admin_sql import AdminConnect, execute, in_transaction, join_roles, known_roles
from tenantry.database.logins import backup_logins, login_names
from tenantry.database.marks import foreign_roles_named, mark_role, name_taken, tenant_marks
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import NotFound
from tenantry.domain.tenant import SCHEMAS_DATABASE, Home, TenantId
from tenantry.homes.copy_login import find_foreign_copy
from tenantry.homes.renaming import find_rows, find_schema, rename_home
from tenantry.homes.sessions import end_sessions
from tenantry.homes.swapping import readmit
from tenantry.servers.inspector_roles import InspectorRoles, inspectors_of
from tenantry.servers.role_names import all_roles, claim_roles


class TenantRenaming:
    """Renames tenants on one server."""

    def __init__(self, connect: AdminConnect) -> None:
        """Take the function that connects as the server's administrator."""
        self._connect = connect

    def find_taken(self, tenant_id: TenantId, home: Home) -> list[str]:
        """List the objects that already have a name that this tenant would get in such a home.

        :raises TenantryError: the server refused.
        """
        query = load_sql("servers/rename_taken").format(
            database=sql.Literal(tenant_id.value),
            roles=sql.Literal([*all_roles(tenant_id), *backup_logins(tenant_id)]),
            schemas=sql.Literal(SCHEMAS_DATABASE),
        )
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            execute(cursor, query)
            taken, has_schemas = cursor.fetchone()
            foreign = find_foreign_copy(cursor, tenant_id, tenant_marks(cursor, tenant_id))
            taken += [f"role {name}" for name in foreign]
        if has_schemas:
            taken += find_schema(self._connect, tenant_id)
        return [*taken, *find_rows(self._connect, tenant_id, home)]

    def end_sessions(self, tenant_id: TenantId, database: str) -> None:
        """End the sessions of a tenant's logins and its backups, and wait until they are gone; others' go on.

        :raises TenantryError: the server refused.
        """
        end_sessions(self._connect, database, (*login_names(tenant_id), *backup_logins(tenant_id)))

    def remove_inspectors(self, tenant_id: TenantId) -> None:
        """Remove the tenant's inspectors, the logins with which operators look into it, because they carry its id.

        :raises TenantryError: the server refused.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            logins = inspectors_of(cursor, tenant_id)
        for login in logins:
            InspectorRoles(self._connect).drop(login)

    def rename_roles(self, old: TenantId, new: TenantId, login: str, password: str, *, is_marked: bool = True) -> None:
        """Rename the roles of a tenant, all or none. They keep their rights, settings and limits.

        The logins for backups may not be there; those that are keep their password.

        PostgreSQL clears a password stored as MD5, because MD5 is salted with the role's name. So the login in use gets
        its password again, as a SCRAM verifier; the next rotation sets the other login's.

        :param login: the login in use, by its new name.
        :param is_marked: whether an earlier attempt marked what it renamed; an older version did not.
        :raises NotFound: a role is missing on the server.
        :raises Conflict: a role of a new name is not the tenant's (`name_taken`).
        :raises TenantryError: the server refused.
        """

        def work(cursor: Any) -> None:
            if not is_marked and not known_roles(cursor, all_roles(old)):
                # All or none are renamed: what has the new names is what an older version has renamed.
                claim_roles(cursor, new, tenant_marks(cursor, new), is_listed=True)
            _rename_all(cursor, old, new)
            verifier = encrypt_password(password, login, cursor.connection, "scram-sha-256")
            set_password = sql.SQL("ALTER ROLE {} PASSWORD {}")
            execute(cursor, set_password.format(sql.Identifier(login), sql.Literal(verifier)))

        in_transaction(self._connect, "postgres", work, shared=True)

    def rename_home(self, old: TenantId, new: TenantId, before: Home, after: Home) -> dict[str, int]:
        """Rename a tenant's home and the tenant id in it; the roles have to have their new names already.

        :returns: facts to report, such as the number of changed rows.
        :raises TenantryError: the server refused.
        """
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            join_roles(cursor, [*all_roles(new), *known_roles(cursor, backup_logins(new))])
        readmit(self._connect, old, before)
        # Nobody can log in under the old names any more. A session from before the rename must not write meanwhile.
        self.end_sessions(new, before.database)
        return rename_home(self._connect, old, new, before, after)


def _rename_all(cursor: Any, old: TenantId, new: TenantId) -> None:
    """Rename roles and mark them anew; those that have the new name must be marked as this tenant's by then."""
    before, after = ([*all_roles(one), *backup_logins(one)] for one in (old, new))
    there = set(known_roles(cursor, [*before, *after]))
    marks, old_marks = tenant_marks(cursor, new), tenant_marks(cursor, old)
    # The registry knows the tenant here: what has its old names is its own.
    claim_roles(cursor, old, old_marks, is_listed=True)
    # Except for the logins for backups, which never were without a mark.
    there -= set(foreign_roles_named(cursor, backup_logins(old), old_marks))
    if foreign := foreign_roles_named(cursor, after, marks):
        raise name_taken(*(f"role {name}" for name in foreign))
    for name, renamed in zip(before, after, strict=True):
        if name in there:
            rename = sql.SQL("ALTER ROLE {} RENAME TO {}")
            execute(cursor, rename.format(sql.Identifier(name), sql.Identifier(renamed)))
            mark_role(cursor, renamed, marks[0])
        elif renamed not in there and name not in backup_logins(old):
            raise NotFound(
                "The server does not have all of the tenant's roles.",
                code="role_missing",
                details=name,
                hint="Make the roles in the details again under their old names, and repeat the call.",
            )
