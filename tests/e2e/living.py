"""Tenants of the running stack that live as long as a test: made, filled and erased through the operators' API."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from local.accounts import create_users
from local.stack_file import StackServer, User
from tenantry.domain.tenant import POOL_DATABASE, SCHEMAS_DATABASE
from tests.e2e.api import Api, open_database

CANDIDATES = "/rest/v1/candidates"
PATIENCE_SECONDS = 120


def operator(api: Api) -> str:
    """The operator's token."""
    return api.token_of(api.stack.operator.username)


def administer(api: Api, method: str, path: str, **options: Any) -> Any:
    """Call the operators' API, which has to accept the call; returns its answer."""
    answer = api.call(method, f"/admin/v1{path}", operator(api), **options)
    assert answer.status_code < 300, answer.text
    return answer.json()


def wait_for(api: Api, operation_id: str) -> dict[str, Any]:
    """Wait until an operation ends, with whatever status."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        operation: dict[str, Any] = administer(api, "GET", f"/operations/{operation_id}")
        if operation["status"] != "running":
            return operation
        assert time.monotonic() < deadline, operation
        time.sleep(0.2)  # the interval of polling, up to the deadline above


def operate(api: Api, method: str, path: str, **options: Any) -> dict[str, Any]:
    """Start an operation and wait until it has succeeded."""
    begun = administer(api, method, path, **options)
    ended = wait_for(api, begun["operation_id"])
    assert ended["status"] == "succeeded", ended
    return ended


@dataclass
class LivingTenant:
    """One tenant, its users with their tokens by role, and the place of its rows."""

    api: Api
    name: str
    tokens: dict[str, str]
    users: Sequence[User] = ()

    def call(self, method: str, path: str = CANDIDATES, role: str = "editor", **options: Any) -> Any:
        """Call the data API as one of the tenant's users."""
        return self.api.call(method, path, self.tokens[role], **options)

    def shown(self) -> dict[str, Any]:
        """Read what an operator is shown of the tenant."""
        shown: dict[str, Any] = administer(self.api, "GET", f"/tenants/{self.name}")
        return shown

    def server(self) -> StackServer:
        """The server on which the tenant lives now."""
        server_id = self.shown()["server_id"]
        return next(server for server in self.api.stack.servers if server.id == server_id)

    def rows(self) -> list[tuple[Any, ...]]:
        """Read all its candidates as the server's superuser, past all code under test."""
        database, schema = {
            "database": (self.name, "public"),
            "schema": (SCHEMAS_DATABASE, self.name),
            "pooled": (POOL_DATABASE, "public"),
        }[self.shown()["isolation"]]
        own = "WHERE tenant_id = %(tenant)s" if database == POOL_DATABASE else ""
        statement = sql.SQL("SELECT name, email, phone, id FROM {} " + own + " ORDER BY id").format(
            sql.Identifier(schema, "candidates")
        )
        with open_database(self.server(), database) as connection, connection.cursor() as cursor:
            cursor.execute(statement, {"tenant": self.name})
            return cursor.fetchall()


def people(name: str, rows: int) -> list[dict[str, str]]:
    """Made-up candidates whose names and addresses no other test uses."""
    return [
        {"name": f"{name} {number}", "job_role": "Engineer", "email": f"{name}-{number}@example.com"}
        for number in range(rows)
    ]


@contextmanager
def living_tenant(api: Api, rows: int = 3, **body: Any) -> Iterator[LivingTenant]:
    """Make a tenant with so many candidates, and erase it in the end. `body` is the body of the call that makes it."""
    name = f"l{uuid.uuid4().hex[:10]}"
    made = administer(api, "PUT", f"/tenants/{name}", json=body)
    assert made["status"] == "active"
    users = create_users(api.aws("cognito-idp"), api.stack.user_pool_id, name)
    try:
        tenant = LivingTenant(api, name, {user.role: api._sign_in(user) for user in users}, users)
        posted = tenant.call("POST", json=people(name, rows))
        assert posted.status_code == 201, posted.text
        yield tenant
    finally:
        erase(api, name)


def erase(api: Api, name: str) -> None:
    """Erase a tenant at once; a missing tenant counts as erased."""
    body = {"tenant_id": name, "undo_hours": 0}
    begun = api.call("DELETE", f"/admin/v1/tenants/{name}", operator(api), json=body)
    if begun.status_code != 404:
        ended = wait_for(api, begun.json()["operation_id"])
        assert ended["status"] == "succeeded", ended
