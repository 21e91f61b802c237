"""Every refusal that its caller can do something about says what: an error with a 4xx status has a hint."""

import ast
from collections.abc import Iterator

from tenantry.aws.gateway_answers import status_of
from tenantry.domain.errors import TenantryError
from tests.unit.error_sources import FUNCTIONS, _error_classes, _Module

# PostgREST's messages, details and hints are its own words, and it has no hint for some of its codes.
_POSTGRESTS = ("tenantry.postgrest", "tenantry.data_api", "handlers.query_tenant")


def _modules() -> list[_Module]:
    return [_Module(path, ast.parse(path.read_text())) for path in sorted(FUNCTIONS.rglob("*.py"))]


def _without_hint(module: _Module, kinds: dict[str, type[TenantryError]]) -> Iterator[str]:
    constants = module.constants()
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id=name), keywords=keywords) if name in kinds:
                given = {keyword.arg: keyword.value for keyword in keywords}
            case ast.Raise(exc=ast.Name(id=name)) if name in kinds:
                given = {}
            case _:
                continue
        code = _text(given.get("code"), constants)
        is_refusal = 400 <= status_of(kinds[name]("", code=code)) < 500
        if is_refusal and not (kinds[name].hint or "hint" in given or (code or "").startswith("PGRST")):
            yield f"{module.name}, line {node.lineno}: {name} {code or ''}"


def _text(node: ast.expr | None, constants: dict[str, str]) -> str | None:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return constants.get(ast.unparse(node)) if node else None


def test_every_refusal_says_what_can_be_done() -> None:
    modules = _modules()
    kinds = _error_classes(modules)
    theirs = [module for module in modules if not module.name.startswith(_POSTGRESTS)]

    assert [place for module in theirs for place in _without_hint(module, kinds)] == []


def test_a_refusal_without_a_hint_is_found() -> None:
    kinds = _error_classes(_modules())
    text = """
from tenantry.domain.errors import Conflict, CopyFailed, NotFound
_CODE = "tenant_moving"
def refuse():
    raise Conflict("No.", code=_CODE)
def refuse_well():
    raise Conflict("No.", code="x", hint="Wait.")
def fail():
    raise CopyFailed("No.")
def miss():
    raise NotFound
"""
    module = _Module(FUNCTIONS / "tenantry" / "homes" / "made_up.py", ast.parse(text))

    found = [place.partition(": ")[2].strip() for place in _without_hint(module, kinds)]
    assert sorted(found) == ["Conflict tenant_moving", "NotFound"]
