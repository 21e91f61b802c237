"""The rights that a new tenant's owner, editor and viewer have in a schema of the tenant's own.

They are given once. Afterwards they are the tenant's own to change, and go where it goes (`contents.rights_writer`).
"""

from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import execute, role_identifiers, role_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.revision import VERSION_TABLE
from tenantry.domain.tenant import TenantId
from tenantry.revisions.templates import TEMPLATE_ROLE


def is_from_template(cursor: Any) -> bool:
    """Tell whether a database holds what came with a template and is not the tenant's owner's yet.

    :raises TenantryError: the server refused.
    """
    execute(cursor, load_sql("homes/schema_facts"), (TEMPLATE_ROLE, VERSION_TABLE))
    return bool(cursor.fetchone()[0])


def grant_rights(cursor: Any, tenant_id: TenantId, schema: str) -> None:
    """Make a schema and what came with a template the owner's, and give editor and viewer what they may do.

    :param cursor: in a transaction: what is made half is not repeated.
    :raises TenantryError: the server refused.
    """
    names: dict[str, sql.Composable] = {
        "schema": sql.Identifier(schema),
        "makers": sql.Identifier(role_names(tenant_id)["owner"]),
        "template": sql.Identifier(TEMPLATE_ROLE),
        "version_table": sql.Identifier(schema, VERSION_TABLE),
        **role_identifiers(tenant_id),
    }
    version_table = sql.Identifier(schema, VERSION_TABLE).as_string(cursor)
    execute(cursor, load_sql("homes/schema_facts"), (TEMPLATE_ROLE, version_table))
    from_template, has_version_table = cursor.fetchone()
    if from_template:
        execute(cursor, load_sql("homes/take_template").format(**names))
    execute(cursor, load_sql("homes/grant_schema").format(**names))
    execute(cursor, load_sql("homes/reach_schema").format(**names))
    if has_version_table:
        # The revision that the schema is at is nobody's business but the owner's.
        execute(cursor, sql.SQL("REVOKE ALL ON {version_table} FROM {viewer}, {editor}").format(**names))
