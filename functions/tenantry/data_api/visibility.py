"""Asks a tenant's database what the caller's role may see."""

import json
from collections.abc import Iterable

from tenantry.database.sql_files import load_sql
from tenantry.domain.session_state import SESSION_STATE
from tenantry.postgrest.catalogue.model import Name
from tenantry.postgrest.openapi.visible import Signature, Visible


def visible_statement(schemas: Iterable[str]) -> tuple[str, tuple[str | None, ...]]:
    """Return the statement and its values for `TenantConnection.run`, to be run as the caller's role.

    The statement only reads. Its row has a number, JSON for `parse_visible`, and `SESSION_STATE`.
    """
    text = load_sql("data_api/visible").string.replace("{state}", SESSION_STATE)
    return text, (json.dumps(list(schemas)),)


def parse_visible(text: str) -> Visible:
    """Read the JSON in the statement's row."""
    answer = json.loads(text)
    tables = [(Name(schema, name), privileges, columns) for schema, name, privileges, columns in answer["tables"]]
    return Visible(
        tables={name: frozenset(privileges) for name, privileges, _ in tables},
        routines=frozenset(Signature.of(Name(schema, name), types) for schema, name, types in answer["routines"]),
        columns={name: frozenset(columns) for name, _, columns in tables if columns is not None},
    )
