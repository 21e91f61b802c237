"""The operators' routes are written in three places that have to agree: the handler, the template, the document."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handlers.administer_tenants import app

type Transform = Callable[..., dict[str, Any]]

_PREFIX = "/admin/v1"
_SPAN = re.compile(r"`([^`\n]+)`")


def _template_routes(template: dict[str, Any]) -> set[tuple[str, str]]:
    (api,) = [each for each in template["Resources"].values() if each["Type"] == "AWS::ApiGateway::RestApi"]
    return {
        (method.upper(), _nameless(path))
        for path, methods in api["Properties"]["Body"]["paths"].items()
        for method in methods
        if path.startswith(_PREFIX) and method not in ("parameters", "options")
    }


def _nameless(path: str) -> str:
    """Replace the names of a path's parameters by one."""
    return re.sub(r"\{[^}]*\}|<[^>]*>", "{}", path)


def test_the_handler_has_the_routes_of_the_template(transformed: Transform) -> None:
    handled = {(route.method, _nameless(route.path)) for route in (*app._static_routes, *app._dynamic_routes)}

    assert handled == _template_routes(transformed())


def test_every_route_stands_in_the_document(transformed: Transform) -> None:
    spans = _SPAN.findall(Path("docs/operators-api.md").read_text())
    told = {_nameless(word.split("?", 1)[0]) for span in spans for word in span.split() if "/" in word}
    # `…/resume` after `/tenants/{id}/suspend` is a path of the same beginning.
    endings = tuple(word.removeprefix("…") for word in told if word.startswith("…/"))

    paths = {path.removeprefix(_PREFIX) for _, path in _template_routes(transformed())}
    assert [path for path in sorted(paths - told) if not path.endswith(endings)] == []
