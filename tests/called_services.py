"""Which of AWS's services each function calls: read from the code, by the clients that its handler gets to make."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path("functions")
# Modules below the handlers that make clients of their own.
_FOLLOWED = ("handlers", "tenantry.data_api.error_counter")


def called_services(handler: str) -> set[str]:
    """Name the services, as botocore does, of `handlers/{handler}.py`."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(f"handlers.{handler}", name) for name in _definitions(f"handlers.{handler}")]
    while waiting:
        place = waiting.pop()
        if place in seen or place[1] not in _definitions(place[0]):
            continue
        seen.add(place)
        for node in ast.walk(_definitions(place[0])[place[1]]):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "aws_client":
                found.add(ast.literal_eval(node.args[0]))
            elif isinstance(node, ast.Name):
                waiting.append(_imports(place[0]).get(node.id, (place[0], node.id)))
    return found


@cache
def _tree(module: str) -> ast.Module:
    path = ROOT / module.replace(".", "/")
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())


@cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    """A module's functions and classes by name. What is not followed has none."""
    if not module.startswith(_FOLLOWED):
        return {}
    return {node.name: node for node in _tree(module).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


@cache
def _imports(module: str) -> dict[str, tuple[str, str]]:
    """The names that a module imports, wherever it does: where they are defined."""
    return dict(_imported(module))


def _imported(module: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, (node.module, alias.name)
