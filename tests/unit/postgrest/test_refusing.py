"""The numbers by which a statement says why it has refused."""

import os
import re
import subprocess
import sys

import pytest

from tenantry.postgrest.request import Guard
from tenantry.postgrest.sql.refusing import Refusal, guard_in, refusal_in, refuse, refuse_rows

MOST_BIGINT = 2**63 - 1


def number_in(text: str) -> int:
    found = re.search(r"\d+", text)
    assert found
    return int(found[0])


@pytest.mark.parametrize("guard", Guard)
@pytest.mark.parametrize("rows", [0, 1, 2**31, 2**32 - 1])
def test_a_guard_and_its_rows_are_told_apart_from_all_else(guard: Guard, rows: int) -> None:
    number = number_in(refuse_rows(guard, "count(*)")) + rows
    assert number < MOST_BIGINT
    assert (guard_in(number), refusal_in(number)) == ((guard, rows), None)


@pytest.mark.parametrize("refusal", Refusal)
def test_a_refusal_is_no_guards(refusal: Refusal) -> None:
    number = number_in(refuse(refusal))
    assert number < MOST_BIGINT
    assert (guard_in(number), refusal_in(number)) == (None, refusal)


def test_no_numbers_are_drawn_before_a_statement_is_written() -> None:
    """A snapshot (SnapStart) is taken of what is loaded: every copy of it would have the same."""
    script = """
from handlers import query_tenant
from tenantry.data_api import api_description, error_counter
from tenantry.postgrest.sql import refusing
print(refusing._of_guards.cache_info().currsize, refusing.refuse.cache_info().currsize)"""
    environment = os.environ | {"PYTHONPATH": "functions", "SNAP_START": "OFF"}
    shown = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    assert shown.stdout.split() == ["0", "0"]


@pytest.mark.parametrize("number", [0, 1, 7, 2**31, 2**48, 2**60])
def test_what_may_be_an_index_is_neither(number: int) -> None:
    assert (guard_in(number), refusal_in(number)) == (None, None)
