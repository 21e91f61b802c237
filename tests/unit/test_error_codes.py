"""docs/errors.md lists every code that the product can send, with its statuses and the rooms that it comes from."""

import re
from dataclasses import dataclass

import pytest

from tests.unit.error_sources import ROOT, Inventory, gather

_ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class _Row:
    code: str
    statuses: str
    meaning: str
    remedy: str
    rooms: str


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return gather()


@pytest.fixture(scope="module")
def rows() -> list[_Row]:
    found = _ROW.findall((ROOT / "docs" / "errors.md").read_text())
    return [_Row(*(each.strip() for each in row)) for row in found]


def test_every_code_in_the_code_can_be_read(inventory: Inventory) -> None:
    assert inventory.unread == [], "teach tests/unit/error_sources.py where these codes come from"


def test_every_code_has_one_row(inventory: Inventory, rows: list[_Row]) -> None:
    documented = sorted(row.code for row in rows)

    assert documented == sorted(inventory.codes)


def test_every_row_has_the_statuses_that_the_code_maps(inventory: Inventory, rows: list[_Row]) -> None:
    told = {row.code: row.statuses for row in rows if row.code in inventory.codes}

    assert told == {code: _statuses(inventory, code) for code in told}


def test_every_row_names_the_rooms_that_send_it(inventory: Inventory, rows: list[_Row]) -> None:
    told = {row.code: row.rooms for row in rows if row.code in inventory.codes}

    assert told == {code: ", ".join(sorted(inventory.codes[code].rooms)) for code in told}


def test_every_row_says_what_it_means_and_what_to_do(rows: list[_Row]) -> None:
    assert [row.code for row in rows if len(row.meaning) < 10 or not row.remedy.endswith(".")] == []


@pytest.mark.parametrize(
    ("code", "status", "room"),
    [
        ("backup_too_soon", 409, "backups"),  # the argument of an error
        ("tenant_moving", 503, "data_api"),  # the code of its class
        ("tenant_provisioning", 409, "domain"),  # put together with a status
        ("database_busy", 409, "database"),  # a name of the module's
        ("changed_since", 409, "contents"),  # the argument of a function
        ("no_word", None, "fleet"),  # a run's word for what left none
        ("PGRST205", 404, "postgrest"),
        ("23505", 409, "PostgreSQL"),  # the table of statuses
        ("22…", 400, "PostgreSQL"),  # a class of SQLSTATEs
        ("quota_exceeded", 429, "gateway"),
        ("tenant_unmetered", 403, "gateway"),
    ],
)
def test_codes_are_found_wherever_they_are_written(
    inventory: Inventory, code: str, status: int | None, room: str
) -> None:
    found = inventory.codes[code]

    assert room in found.rooms
    assert (status in found.statuses) if status else not found.statuses


def _statuses(inventory: Inventory, code: str) -> str:
    return ", ".join(str(status) for status in sorted(inventory.codes[code].statuses)) or "none"
