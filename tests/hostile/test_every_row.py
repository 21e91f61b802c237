"""A route, a report or an operation that is new has to name what attacks it, and what is named has to be there."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from handlers import perform_operation
from handlers.settings.operation import operation_settings
from tests.integration.conftest import ENVIRONMENT

ROWS_FILE = Path(__file__).parent / "rows.py"
ROOT = Path(__file__).parents[2]
ATTACKERS = {
    "nothing",
    "viewer_token",
    "editor_token",
    "admin_token",
    "login_sql",
    "owner_sql",
    "dump",
    "adopted_database",
    "operator_slip",
}


def rows(name: str) -> Mapping[Any, tuple[str, ...]]:
    """One of the tables."""
    spec = importlib.util.spec_from_file_location("hostile_rows", ROWS_FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Mapping[Any, tuple[str, ...]] = getattr(module, name)
    return found


def routes() -> set[tuple[str, str]]:
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    paths = template["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]
    return {
        (path, method)
        for path, methods in paths.items()
        for method in methods
        if method not in {"options", "parameters"}
    }


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The kinds that perform_operation knows, wired as in Lambda; no service is asked for anything."""
    for name, value in (ENVIRONMENT | {"BACKUP_BUCKET": "backups"}).items():
        monkeypatch.setenv(name, value)
    operation_settings.cache_clear()
    kinds = set(perform_operation._performer.__wrapped__()._workflows)
    operation_settings.cache_clear()
    return kinds


def test_every_route_has_a_row() -> None:
    assert set(rows("ROUTES")) == routes()


def test_every_report_has_a_row() -> None:
    prefix = "/admin/v1/reports/"
    assert set(rows("REPORTS")) == {path.removeprefix(prefix) for path, _ in routes() if path.startswith(prefix)}


def test_every_operation_has_a_row(operations: set[str]) -> None:
    assert set(rows("OPERATIONS")) == operations


@pytest.mark.parametrize("name", ["ROUTES", "REPORTS", "OPERATIONS"])
def test_what_a_row_names_is_there(name: str) -> None:
    """A file that was moved, or that has no test any more, attacks nothing."""
    named = {file for files in rows(name).values() for file in files}
    assert [file for file in sorted(named) if "\ndef test_" not in _text(ROOT / file)] == []
    assert [what for what, files in rows(name).items() if not files] == []


def test_every_attack_lies_with_what_its_attacker_has() -> None:
    """A file beside the folders, or in one of another name, would be looked for in vain."""
    here = Path(__file__).parent
    files = [path.relative_to(here) for path in here.rglob("test_*.py")]
    assert {path.parts[0] for path in files if len(path.parts) > 1} <= ATTACKERS
    assert [str(path) for path in files if len(path.parts) == 1] == [Path(__file__).name]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
