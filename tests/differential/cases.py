"""A request of the corpus, and short functions to write one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from tenantry.domain.tenant import Role

# What makes a write leave nothing behind, on both sides.
ROLLBACK = "tx=rollback"


@dataclass(frozen=True, slots=True)
class Case:
    """One request: `path` is below the API's root, `query` is as a person writes it (`%26` for an ampersand)."""

    id: str
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    role: Role = Role.EDITOR

    @property
    def group(self) -> str:
        """The topic of the request: the first part of its id."""
        return self.id.partition("/")[0]

    @property
    def encoded_path(self) -> str:
        """The path as it is sent."""
        return "/" + quote(self.path, safe="/")

    @property
    def encoded_query(self) -> str:
        """The query as it is sent, with every special character escaped."""
        pairs = (piece.partition("=") for piece in self.query.split("&") if piece)
        return "&".join(_encoded(name) + equals + _encoded(value) for name, equals, value in pairs)

    @property
    def is_write(self) -> bool:
        """Whether the request may change rows, or take numbers from a sequence."""
        return self.method not in {"GET", "HEAD", "OPTIONS"}


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="*().,:!")


def case(
    identity: str,
    method: str,
    target: str,
    *,
    body: Any = None,
    prefer: str = "",
    accept: str = "",
    role: Role = Role.EDITOR,
    **headers: str,
) -> Case:
    """Write a request; `body` is text sent as it is, or a value sent as JSON; `accept_profile=` is that header."""
    path, _, query = target.partition("?")
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    sent = {"Prefer": prefer, "Accept": accept, **named}
    text = body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    if text is not None:
        sent.setdefault("Content-Type", "application/json")
    return Case(identity, method, path, query, {name: value for name, value in sent.items() if value}, text, role)


def get(identity: str, target: str, **options: Any) -> Case:
    """Write a GET."""
    return case(identity, "GET", target, **options)


def write(identity: str, method: str, target: str, body: Any = None, *, prefer: str = "", **options: Any) -> Case:
    """Write a request that changes rows and is rolled back."""
    return case(identity, method, target, body=body, prefer=f"{prefer}, {ROLLBACK}".lstrip(", "), **options)


def post(identity: str, target: str, body: Any, **options: Any) -> Case:
    """Write a POST that is rolled back."""
    return write(identity, "POST", target, body, **options)


def patch(identity: str, target: str, body: Any, **options: Any) -> Case:
    """Write a PATCH that is rolled back."""
    return write(identity, "PATCH", target, body, **options)


def put(identity: str, target: str, body: Any, **options: Any) -> Case:
    """Write a PUT that is rolled back."""
    return write(identity, "PUT", target, body, **options)


def delete(identity: str, target: str, **options: Any) -> Case:
    """Write a DELETE that is rolled back."""
    return write(identity, "DELETE", target, **options)


def call(identity: str, target: str, body: Any = None, **options: Any) -> Case:
    """Write a POST to a function; without a body, it sends an empty object."""
    return post(identity, f"rpc/{target}", {} if body is None else body, **options)


def gets(group: str, **targets: str) -> list[Case]:
    """Write several GETs of a group, by name."""
    return [get(f"{group}/{name.replace('_', '-')}", target) for name, target in targets.items()]
