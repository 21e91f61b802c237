"""Every error code that the code can send, with its HTTP statuses and the rooms that it comes from.

A code is written in one of six places: as `code` of an error's class, as the argument `code=` of an error that is made,
as an argument of a function or data class of ours that takes one, in the table of statuses, in the gateway's responses
in `template.yaml`, or by PostgreSQL itself. A code that none of these explains is reported, never skipped.
"""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tenantry.aws.gateway_answers import _CODE_STATUS, _SQLSTATE_CLASS_STATUS, status_of
from tenantry.data_api.raised_answers import raised
from tenantry.database.sql_errors import _ABOUT_OBJECTS, _ABOUT_VALUES, _TIMEOUTS, _UNAVAILABLE_CLASSES, translate
from tenantry.domain.errors import Conflict, TenantryError
from tenantry.domain.tenant import RENAMED, UNMETERED, TenantStatus

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "functions"

type Kind = type[TenantryError] | None

# Where an error is handed on under the code that it has, or a parameter is passed through: no new code comes of it.
_HANDED_ON = frozenset(
    {"error.code", "self.code", "exc.code", "TenantryError.code", "operation.error", "sqlstate", "outcome", "code"}
)
# A code that is put together of a prefix and a tenant's status.
_STATUSES = frozenset({"tenant.status", "tenant.status.value", "source.status"})
_REFUSED = tuple(status.value for status in TenantStatus if status is not TenantStatus.ACTIVE)


@dataclass
class Sources:
    """The statuses and rooms of one code."""

    statuses: set[int] = field(default_factory=set)
    rooms: set[str] = field(default_factory=set)


@dataclass
class Inventory:
    """All codes, and the places of those that could not be read."""

    codes: dict[str, Sources] = field(default_factory=lambda: defaultdict(Sources))
    unread: list[str] = field(default_factory=list)


def gather() -> Inventory:
    """Read all codes from the code and the template."""
    inventory = Inventory()
    modules = [_Module(path, ast.parse(path.read_text())) for path in sorted(FUNCTIONS.rglob("*.py"))]
    kinds = _error_classes(modules)
    takers = {taker: position for module in modules for taker, position in _takers(module)}
    for module in modules:
        _Reader(module, kinds, takers, inventory).visit(module.tree)
    _add_sqlstates(inventory)
    _add_gateway(inventory)
    return inventory


@dataclass(frozen=True)
class _Module:
    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        return ".".join(self.path.relative_to(FUNCTIONS).with_suffix("").parts)

    @property
    def room(self) -> str:
        parts = self.path.relative_to(FUNCTIONS).parts
        return parts[1] if parts[0] == "tenantry" and len(parts) > 2 else parts[0]

    def constants(self) -> dict[str, str]:
        """The texts of the module's constants, by name."""
        return {
            target.id: node.value.value
            for node in self.tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            for target in node.targets
            if isinstance(target, ast.Name)
        }


def _error_classes(modules: list[_Module]) -> dict[str, type[TenantryError]]:
    """Return every class of ours that is a `TenantryError`, by its name."""
    classes = [(module, node) for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    found: dict[str, type[TenantryError]] = {"TenantryError": TenantryError}
    before = 0
    while before < len(found):
        before = len(found)
        for module, node in classes:
            if any(isinstance(base, ast.Name) and base.id in found for base in node.bases):
                found[node.name] = getattr(importlib.import_module(module.name), node.name)
    return found


@dataclass(frozen=True)
class _Taker:
    """A function or class of ours that takes a code. A name with a leading underscore is known in its module only."""

    name: str
    module: str


def _takers(module: _Module) -> Iterator[tuple[_Taker, tuple[int, Kind]]]:
    """Find the functions and classes that take a code, its position in a call, and the error that they make, if any."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef):
            yield from _taker(module, node.name, _parameters(node), Conflict)
        if isinstance(node, ast.ClassDef):
            made = next(
                (part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"), None
            )
            fields = [
                part.target.id
                for part in node.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            ]
            yield from _taker(module, node.name, _parameters(made) if made else fields, Conflict if made else None)


def _parameters(node: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in node.args.args if argument.arg != "self"]


def _taker(module: _Module, name: str, parameters: list[str], kind: Kind) -> Iterator[tuple[_Taker, tuple[int, Kind]]]:
    owner = module.name if name.startswith("_") else ""
    for number, each in enumerate(parameters):
        if each in ("code", "busy_code"):
            yield _Taker(name, owner), (number, kind)


class _Reader(ast.NodeVisitor):
    """Finds the codes in one module."""

    def __init__(
        self,
        module: _Module,
        kinds: dict[str, type[TenantryError]],
        takers: dict[_Taker, tuple[int, Kind]],
        into: Inventory,
    ) -> None:
        self._module, self._kinds, self._takers, self._into = module, kinds, takers, into
        self._constants = module.constants()

    def visit_Raise(self, node: ast.Raise) -> None:
        if isinstance(node.exc, ast.Name) and node.exc.id in self._kinds:
            self._made(self._kinds[node.exc.id], None)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        code = next((keyword.value for keyword in node.keywords if keyword.arg == "code"), None)
        taker = self._takers.get(_Taker(name, self._module.name if name.startswith("_") else ""))
        if name in self._kinds:
            self._made(self._kinds[name], code)
        elif taker and len(node.args) > taker[0]:
            self._made(taker[1], node.args[taker[0]])
        elif code is not None and not isinstance(node.func, ast.Attribute):
            self._made(None, code)
        self.generic_visit(node)

    def _made(self, kind: Kind, code: ast.expr | None) -> None:
        for each in [(kind or TenantryError).code] if code is None else self._values(code):
            sources = self._into.codes[each]
            sources.rooms.add(self._module.room)
            if kind is not None:
                sources.statuses.add(status_of(kind("", code=each)))

    def _values(self, node: ast.expr) -> list[str]:
        text = ast.unparse(node)
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        if text in self._constants:
            return [self._constants[text]]
        if isinstance(node, ast.JoinedStr) and len(node.values) == 2:
            prefix, status = node.values
            if isinstance(status, ast.FormattedValue) and ast.unparse(status.value) in _STATUSES:
                return [ast.literal_eval(prefix) + each for each in _REFUSED]
        if text not in _HANDED_ON:
            self._into.unread.append(f"{self._module.name}, line {node.lineno}: {text}")
        return []


def _add_sqlstates(inventory: Inventory) -> None:
    """Add PostgreSQL's codes: by class, and one by one if the table of statuses names them."""
    for each in _SQLSTATE_CLASS_STATUS.keys() | _ABOUT_OBJECTS | _ABOUT_VALUES - {"PT"} | _UNAVAILABLE_CLASSES:
        for status in _statuses_of_sqlstate(f"{each}999"):
            _add(inventory, f"{each}…", status, "PostgreSQL")
    for each in _CODE_STATUS.keys() | _TIMEOUTS:
        if not each.startswith("PGRST"):
            for status in _statuses_of_sqlstate(each):
                _add(inventory, each, status, "PostgreSQL")


def _add(inventory: Inventory, code: str, status: int, room: str) -> None:
    inventory.codes[code].statuses.add(status)
    inventory.codes[code].rooms.add(room)


_CONCERNED = ("schema", "table", "column", "datatype", "constraint")


def _statuses_of_sqlstate(sqlstate: str) -> set[int]:
    """Return a code's statuses: of what opens a session or administers, and of a data request's statement."""
    texts = dict.fromkeys(
        ("message_detail", "message_hint", "source_function", *(f"{part}_name" for part in _CONCERNED))
    )
    diagnostics = SimpleNamespace(message_primary="", **texts)
    refusal: Any = SimpleNamespace(pgcode=sqlstate, diag=diagnostics)
    return {status_of(translate(refusal)), status_of(raised(refusal))}


_GATEWAY = re.compile(r'^ {10}(\w+):\n((?: {12}.*\n)*? {14}application/json: .*"code":"([^"]+)".*\n)', re.MULTILINE)
_STATUS_CODE = re.compile(r"statusCode: (\d+)")
_DEFAULT_STATUS = {"DEFAULT_4XX": 400, "DEFAULT_5XX": 500}


def _add_gateway(inventory: Inventory) -> None:
    """Add the codes that API Gateway answers by itself; one of them contains the tenant's status."""
    for name, response, code in _GATEWAY.findall((ROOT / "template.yaml").read_text()):
        written = _STATUS_CODE.search(response)
        status = int(written.group(1)) if written else _DEFAULT_STATUS[name]
        prefix, variable, _ = code.partition("$")
        for ending in (*_REFUSED, RENAMED, UNMETERED, "unknown") if variable else ("",):
            _add(inventory, prefix + ending, status, "gateway")
