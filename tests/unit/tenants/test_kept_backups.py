"""What an erasure had to keep is told within an item of DynamoDB, however much it is."""

import json

import pytest

from tenantry.tenants.erased_remains import told_as_kept


@pytest.mark.parametrize("number", [0, 1, 500])
def test_few_are_told_by_key(number: int) -> None:
    keys = [f"tenants/acme/backups/{each:05}/dump" for each in range(number)]
    assert [told["what"] for told in told_as_kept(keys)] == keys


@pytest.mark.parametrize("number", [501, 2_700, 100_000])
def test_of_many_the_rest_is_counted(number: int) -> None:
    keys = [f"tenants/{'a' * 30}/backups/{each:026}/dump.zst" for each in range(number)]

    told = told_as_kept(keys)

    assert told[-1]["what"] == f"{number - 500} more objects, from {keys[500]} to {keys[-1]}"
    assert {each["why"] for each in told} == {told[0]["why"]}
    # Twice in an operation, beside all else: 400 KB is the most.
    assert len(json.dumps(told)) < 100_000
