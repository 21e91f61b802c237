"""Makes a tenant with authors, books and reviews, and requests for them."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from psycopg2 import sql

from benchmarks.stage import Stage, read_event
from tenantry.domain.tenant import Role, TenantId, owner_role

SCHEMA = Path(__file__).with_name("library.sql")
EMBED = "id,title,author:authors(id,name),reviews(id,stars)"


def make_library(stage: Stage, tenant_id: TenantId, port: int | None = None) -> str:
    """Provision the tenant and its tables; returns the database's name."""
    credentials = stage.make_tenant(tenant_id, port)
    with closing(stage.connect(credentials.dbname)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner_role(tenant_id))))
        cursor.execute(SCHEMA.read_text())
        cursor.execute("ANALYZE authors, books, reviews")
    return credentials.dbname


def library_event(
    tenant_id: TenantId,
    path: dict[str, str],
    query: dict[str, str],
    *,
    method: str = "GET",
    prefer: str = "",
    body: Any = None,
) -> dict[str, Any]:
    """Make the event of a request by an editor; `path` is {"table": …} or {"function": …}."""
    event = read_event(tenant_id)
    authorizer = event["requestContext"]["authorizer"]
    authorizer["role"] = Role.EDITOR.value
    return event | {
        "httpMethod": method,
        "pathParameters": path,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "multiValueHeaders": {"Prefer": [prefer]} if prefer else {},
        "body": None if body is None else json.dumps(body),
    }


def embed_event(tenant_id: TenantId) -> dict[str, Any]:
    """Make the event that reads twenty books, each with its author and its reviews."""
    return library_event(tenant_id, {"table": "books"}, {"select": EMBED, "order": "id", "limit": "20"})


def entries(count: int) -> list[dict[str, Any]]:
    """Make rows to insert."""
    return [{"name": f"Entry {n}", "amount": n / 4, "at": "2026-01-02T03:04:05Z"} for n in range(count)]
