"""Says at the time of a backup what a restore of it will not bring back, and why."""

from typing import Any

from tenantry.backups.facts import tenant_roles
from tenantry.contents.definition_text import Neutraliser
from tenantry.database.sql_files import load_sql
from tenantry.domain.backup_facts import Omission
from tenantry.domain.tenant import Home, Isolation, TenantId

# More than these are of one cause, which is then known.
_MOST = 1_000
_PREPARED = "prepared transaction"


def read_omissions(connection: Any, tenant_id: TenantId, home: Home) -> list[Omission]:
    """List what a restore does not bring back, with only pg_catalog in the search path; at most a thousand things.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    schema = None if home.isolation is Isolation.DATABASE else home.schema
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(%s)", (home.schema,))
        neutral = Neutraliser([cursor.fetchone()[0]])
        scope = {"schema": schema, "roles": tenant_roles(tenant_id), "most": _MOST}
        cursor.execute(load_sql("backups/omissions"), scope)
        found = [
            Omission(kind=kind, name=neutral.names(name), reason=reason, catalogue=catalogue, object=row)
            for kind, name, reason, catalogue, row in cursor.fetchall()
        ]
    # Shared tables are not the tenant's to bring back; what it has prepared there is its own.
    return [gone for gone in found if home.isolation is not Isolation.POOLED or gone.kind == _PREPARED]
