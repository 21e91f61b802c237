"""The map of the rooms in docs/architecture.md shows the imports of the code: no arrow too many, none missing."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import product

import pytest

from tests.unit.documents import ROOT

type Graph = dict[str, set[str]]

_FUNCTIONS = ROOT / "functions"
_CHART = re.compile(r"^```mermaid\nflowchart TD\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ARROW = re.compile(r"^ *([\w& ]+) --> ([\w& ]+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def drawn() -> Graph:
    (chart,) = _CHART.findall((ROOT / "docs" / "architecture.md").read_text())
    graph: Graph = defaultdict(set)
    for sources, targets in _ARROW.findall(chart):
        for source, target in product(sources.split("&"), targets.split("&")):
            graph[source.strip()].add(target.strip())
    return graph


@pytest.fixture(scope="module")
def imported() -> Graph:
    graph: Graph = defaultdict(set)
    for path in _FUNCTIONS.rglob("*.py"):
        importer = _room(".".join(path.relative_to(_FUNCTIONS).with_suffix("").parts))
        for name in _imports(ast.parse(path.read_text())):
            if importer and (room := _room(name)) and room != importer:
                graph[importer].add(room)
    return graph


def test_every_room_is_drawn(drawn: Graph) -> None:
    rooms = {path.parent.name for path in (_FUNCTIONS / "tenantry").glob("*/__init__.py")}

    assert drawn.keys() | set().union(*drawn.values()) == rooms | {"handlers"}


def test_every_arrow_is_an_import(drawn: Graph, imported: Graph) -> None:
    assert [(room, other) for room in drawn for other in drawn[room] if other not in imported[room]] == []


def test_every_import_follows_the_arrows(drawn: Graph, imported: Graph) -> None:
    ways = [(room, other) for room in imported for other in imported[room]]

    assert [(room, other) for room, other in ways if other not in _reached(drawn, room)] == []


def test_no_arrow_says_what_others_say(drawn: Graph) -> None:
    needless = [
        (room, other)
        for room in list(drawn)
        for other in drawn[room]
        if any(other in _reached(drawn, between) for between in drawn[room] - {other})
    ]

    assert needless == []


def _room(module: str) -> str | None:
    """Return the room of a module; a module outside the rooms (`tenantry.observability`) is shared by all."""
    first, *rest = module.split(".")
    if first == "tenantry" and rest and (_FUNCTIONS / "tenantry" / rest[0]).is_dir():
        return rest[0]
    return "handlers" if first == "handlers" else None


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _reached(graph: Graph, room: str) -> set[str]:
    found: set[str] = set()
    ahead = list(graph.get(room, ()))
    while ahead:
        if (each := ahead.pop()) not in found:
            found.add(each)
            ahead.extend(graph.get(each, ()))
    return found
