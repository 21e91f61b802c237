"""The two sides of the comparison: PostgREST over HTTP, and the data API's handler in process."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

import jwt

from handlers import query_tenant
from local.ports import LOOPBACK
from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.tenant import Role, TenantId, database_role
from tests.differential.cases import Case
from tests.integration.conftest import EVENT
from tests.integration.data_api.gateway import PREFIX, route

SETTINGS = DataApiSettings(schemas=("public", "api"), aggregates=True, plans=True)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer; the names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    text: str


class Side(Protocol):
    """A side that answers requests."""

    def __call__(self, case: Case) -> Answered:
        """Send the request and wait for the answer."""


def claims_of(tenant_id: TenantId, role: Role) -> dict[str, str]:
    """Return the token's claims, the same for both sides; PostgREST takes the database's role from `role`."""
    return {"sub": "someone", "role": database_role(tenant_id, role), "custom:tenant_id": tenant_id.value}


class PostgrestSide:
    """PostgREST, over one connection that stays open."""

    def __init__(self, port: int, secret: str, tenant_id: TenantId) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
        self._tokens = {
            role: jwt.encode(claims_of(tenant_id, role), secret, algorithm="HS256") for role in _SERVED_ROLES
        }

    def __call__(self, case: Case) -> Answered:
        target = case.encoded_path + (f"?{case.encoded_query}" if case.query else "")
        headers = {**case.headers, "Authorization": f"Bearer {self._tokens[case.role]}"}
        body = None if case.body is None else case.body.encode()
        self._connection.request(case.method, target, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode("utf-8", "backslashreplace")
        if case.method == "HEAD":
            # An error's body follows all the same, and would be read as the next answer.
            self.close()
        return Answered(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class TenantrySide:
    """The data API's handler, called with events as API Gateway makes them."""

    def __init__(self, tenant_id: TenantId) -> None:
        self._tenant_id = tenant_id

    def __call__(self, case: Case) -> Answered:
        answer = query_tenant.handler(self._event(case), None)
        headers = dict(answer["headers"])
        headers |= {name: ",".join(values) for name, values in answer.get("multiValueHeaders", {}).items()}
        return Answered(
            answer["statusCode"], {name.lower(): value for name, value in headers.items()}, answer["body"] or ""
        )

    def _event(self, case: Case) -> dict[str, Any]:
        path = f"{PREFIX}/{case.path}".rstrip("/")
        resource, parameters = route(path)
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(case.encoded_query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return EVENT | {
            "resource": resource,
            "path": path,
            "httpMethod": case.method,
            "headers": dict(case.headers),
            "multiValueHeaders": {name: [value] for name, value in case.headers.items()},
            "pathParameters": parameters,
            "queryStringParameters": None,
            "multiValueQueryStringParameters": query or None,
            "body": case.body,
            "isBase64Encoded": False,
            "requestContext": EVENT["requestContext"]
            | {"resourcePath": resource, "path": path, "authorizer": self._authorizer(case.role)},
        }

    def _authorizer(self, role: Role) -> dict[str, str]:
        return {
            "tenantId": self._tenant_id.value,
            "role": role,
            "claims": json.dumps(claims_of(self._tenant_id, role)),
            "userId": "someone",
            "tenantStatus": "active",
            "dataApi": SETTINGS.to_context(),
        }


_SERVED_ROLES = (Role.VIEWER, Role.EDITOR, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, on one database.

    `rewind` sets the sequences back to their first values, because writes move them even when rolled back. `rows` reads
    all tables, and `rows_at_first` are their contents before the first request.
    """

    judge: Side
    ours: Side
    rewind: Callable[[], None]
    rows: Callable[[], dict[str, str]]
    rows_at_first: dict[str, str]

    def ask(self, case: Case) -> tuple[Answered, Answered]:
        """Ask both sides. :return: PostgREST's answer, and ours."""
        answers = []
        for side in (self.judge, self.ours):
            if case.is_write:
                self.rewind()
            answers.append(side(case))
        return answers[0], answers[1]
