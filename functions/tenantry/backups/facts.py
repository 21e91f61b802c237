"""What a manifest says of a tenant's database besides its rows: all that no dump of the database holds."""

from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from tenantry.database.logins import login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.backup_facts import DatabaseFacts, ExtensionFacts, GrantFacts, RoleFacts, SettingFacts
from tenantry.domain.revision import VERSION_TABLE
from tenantry.domain.tenant import TENANT_ROLES, Home, Isolation, TenantId, database_role


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """What was there when the snapshot was taken. `revision` is empty where there is none, or none to be read."""

    database: DatabaseFacts
    revision: str
    settings: list[SettingFacts]
    extensions: list[ExtensionFacts]
    roles: list[RoleFacts]
    grants: list[GrantFacts]


def tenant_roles(tenant_id: TenantId) -> list[str]:
    """Name all of a tenant's roles and logins."""
    return [*login_names(tenant_id), *(database_role(tenant_id, role) for role in TENANT_ROLES)]


def read_facts(connection: Any, tenant_id: TenantId, home: Home) -> BackupFacts:
    """Read them all, as somebody who may read the catalogue: anybody.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    # In a database that others share, only what names the tenant's roles is the tenant's.
    whose = {"roles": tenant_roles(tenant_id), "own": home.isolation is Isolation.DATABASE}
    with connection.cursor() as cursor:

        def read(name: str) -> list[tuple[Any, ...]]:
            cursor.execute(load_sql(f"backups/{name}"), whose)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

        return BackupFacts(
            database=_database(cursor, home),
            revision=_revision(cursor, home),
            settings=[_setting(*row) for row in read("backup_settings")],
            extensions=[ExtensionFacts(name=n, version=v, schema=s) for n, v, s in read("backup_extensions")],
            roles=[
                RoleFacts(name=name, login=login, inherits=inherits, connection_limit=limit, member_of=groups)
                for name, login, inherits, limit, groups in read("backup_roles")
            ],
            grants=[GrantFacts(grantee=g, privilege=p, grantable=o) for g, p, o in read("backup_grants")],
        )


def _database(cursor: Any, home: Home) -> DatabaseFacts:
    is_own = home.isolation is Isolation.DATABASE
    # As the login, which may connect: an adopted database need not be the owner's, who then can't ask for its size.
    cursor.execute("SELECT current_user::text")
    role = sql.Identifier(cursor.fetchone()[0])
    cursor.execute("SET LOCAL ROLE NONE")
    cursor.execute(load_sql("backups/database_facts"), {"own": is_own})
    facts = dict(zip((column.name for column in cursor.description), cursor.fetchone(), strict=True))
    cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(role))
    if not is_own:
        cursor.execute(load_sql("backups/schema_bytes"), (home.schema,))
        facts["size_bytes"] = cursor.fetchone()[0]
    return DatabaseFacts(**facts)


def _revision(cursor: Any, home: Home) -> str:
    cursor.execute(load_sql("backups/readable_revision"), (home.schema, VERSION_TABLE))
    if not cursor.fetchone()[0]:
        return ""
    table = sql.Identifier(home.schema, VERSION_TABLE)
    cursor.execute(sql.SQL("SELECT version_num::text FROM {}").format(table))
    found = cursor.fetchone()
    return str(found[0]) if found else ""


def _setting(role: str, in_database: bool, setting: str) -> SettingFacts:
    name, _, value = setting.partition("=")
    return SettingFacts(role=role, in_database=in_database, name=name, value=value)
