"""Rows that a live table refuses: their restore fails, and no operator reads what is in them."""

import json

import pytest

from tenantry.domain.errors import StatementFailed
from tenantry.domain.operation import OperationStatus
from tests.integration.restores.conftest import Vault

TYPES = "CREATE DOMAIN word AS text; CREATE TYPE mood AS ENUM ('secret')"
TABLE = f"{TYPES}; CREATE TABLE t (a int PRIMARY KEY, b word, c mood)"
ROW = "INSERT INTO t VALUES (4711, 'secret', 'secret')"
REFUSALS = {
    "ALTER TABLE t ADD CONSTRAINT small CHECK (a < 10)": ("23514", "table public.t, constraint small"),
    "ALTER DOMAIN word ADD CONSTRAINT short CHECK (value < 'a')": ("23514", "type public.word, constraint short"),
    "ALTER TYPE mood RENAME VALUE 'secret' TO 'other'": ("22P02", None),
    "CREATE TABLE k (a int REFERENCES t); INSERT INTO t VALUES (8); INSERT INTO k VALUES (8)": (
        "23503",
        "table public.k, constraint k_a_fkey",
    ),
}


@pytest.mark.parametrize("change", REFUSALS)
def test_no_row_that_is_refused_is_told(vault: Vault, change: str) -> None:
    code, concerned = REFUSALS[change]
    tenant = vault.add()
    vault.run_as(tenant, f"{TABLE}; {ROW}")
    backup = vault.back_up(tenant)
    vault.run_as(tenant, f"DELETE FROM t; {change}")
    operation = vault.start(backup, tables=("public.t",), mode="replace")
    with pytest.raises(StatementFailed) as failure:
        vault.perform(operation)
    assert (failure.value.code, failure.value.details) == (code, concerned)
    told = f"{failure.value.message} {failure.value.hint}"
    noted = vault.store.get(operation.operation_id)
    assert noted
    assert noted.status is OperationStatus.FAILED
    told += json.dumps({**noted.facts, "error": noted.error}, default=str)
    assert [word for word in ("secret", "4711", "(8)") if word in told] == []
