"""The data API in process, as a WSGI application: events as API Gateway makes them, with a signed-in caller."""

import base64
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote

from werkzeug.test import Client

from handlers import query_tenant
from tenantry.domain.tenant import Role, TenantId
from tests.integration.conftest import EVENT

# A stage is a part of the address, and not of the route.
STAGE = "/local"
PREFIX = "/rest/v1"
UNTYPED = "application/json"
ROOT = f"{STAGE}{PREFIX}/"


class Gateway:
    """Serves one tenant's caller."""

    def __init__(self, tenant_id: TenantId, role: Role) -> None:
        claims = json.dumps({"sub": "someone", "custom:tenant_id": tenant_id.value, "custom:role": role})
        self._authorizer = {
            "tenantId": tenant_id.value,
            "role": role,
            "claims": claims,
            "userId": "someone",
            "tenantStatus": "active",
        }

    def __call__(self, environ: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], Any]) -> Iterable[bytes]:
        answer = query_tenant.handler(self._event(environ), None)
        status = HTTPStatus(answer["statusCode"])
        repeated = answer.get("multiValueHeaders", {})
        # API Gateway gives a type to what has none, and to nothing as well.
        single = {"Content-Type": UNTYPED} | answer["headers"]
        headers = [*single.items(), *((name, each) for name in repeated for each in repeated[name])]
        start(f"{status.value} {status.phrase}", headers)
        return [base64.b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"].encode()]

    def get(self, path: str) -> Any:
        """Read the JSON of an answer."""
        answer = Client(self).get(path)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)

    def _event(self, environ: dict[str, Any]) -> dict[str, Any]:
        # WSGI has the path's bytes, decoded as Latin-1.
        called = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        path = called.removeprefix(STAGE)
        resource, parameters = route(path)
        context = {"path": called, "resourcePath": resource, "authorizer": self._authorizer}
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return EVENT | {
            "resource": resource,
            "path": path,
            "httpMethod": environ["REQUEST_METHOD"],
            "headers": {name: values[-1] for name, values in _headers(environ).items()},
            "multiValueHeaders": _headers(environ),
            "pathParameters": parameters,
            "queryStringParameters": None,
            "multiValueQueryStringParameters": parse_qs(environ["QUERY_STRING"], keep_blank_values=True) or None,
            # The template has API Gateway take every body for binary.
            "body": base64.b64encode(body).decode() if body else None,
            "isBase64Encoded": bool(body),
            "requestContext": EVENT["requestContext"] | context,
        }


def route(path: str) -> tuple[str, dict[str, str] | None]:
    """Return the template's route that API Gateway chooses, and the path's parameters, which it does not decode."""
    rest = quote(path.removeprefix(PREFIX).strip("/"))
    if not rest:
        return PREFIX, None
    if rest == "rpc":
        return f"{PREFIX}/rpc", None
    kind, resource = ("function", "rpc/{function}") if rest.startswith("rpc/") else ("table", "{table}")
    name, _, more = rest.removeprefix("rpc/").partition("/")
    if more:
        return f"{PREFIX}/{resource}/{{proxy+}}", {kind: name, "proxy": more}
    return f"{PREFIX}/{resource}", {kind: name}


def _headers(environ: dict[str, Any]) -> dict[str, list[str]]:
    sent = {key.removeprefix("HTTP_"): [value] for key, value in environ.items() if key.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        sent["CONTENT_TYPE"] = [environ["CONTENT_TYPE"]]
    return {key.replace("_", "-").title(): values for key, values in sent.items()}
