"""An operation says that it failed, whatever a tenant's own code said when it did."""

from collections.abc import Callable
from typing import Any

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.domain.errors import StatementFailed
from tenantry.domain.operation import OperationStatus
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Operations, Performer, Step
from tests.integration.conftest import ENVIRONMENT, REGION, TABLE, create_registry


class Nobody:
    """Performs nothing by itself."""

    def start(self, _: dict[str, str]) -> None:
        return


LONG: dict[str, Callable[[], Any]] = {
    "a text": lambda: "x" * 1_000_000,
    "a text of wide characters": lambda: "\U0001f600" * 300_000,
    "a list": lambda: [{"name": "x" * 1_000} for _ in range(1_000)],
    "a list of one": lambda: [{"name": "x" * 1_000_000}],
}


@pytest.mark.parametrize("details", LONG.values(), ids=LONG.keys())
def test_what_a_trigger_raises_is_not_too_much_for_the_registry(
    monkeypatch: pytest.MonkeyPatch, details: Callable[[], Any]
) -> None:
    """Raises an error with a megabyte of details while it is worked on: the operation is failed, and says so."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def fail(_: object) -> None:
        raise StatementFailed(code="P0001", details=details())

    with mock_aws():
        create_registry()
        dynamodb = aws_client("dynamodb", REGION)
        store = OperationStore(dynamodb, TABLE)
        operation = Operations(store, Nobody(), None).start("kind", "tenant/acme", "op-1")  # type: ignore[arg-type]
        performer = Performer(store, Leases(dynamodb, TABLE), {"kind": [Step("fail", fail)]})
        with pytest.raises(StatementFailed):
            performer.perform(operation.operation_id)
        found = store.get(operation.operation_id)
    assert found
    assert (found.status, found.error) == (OperationStatus.FAILED, "P0001")


def test_what_is_short_is_kept_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operators read why: what they are told is not changed."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def fail(_: object) -> None:
        raise StatementFailed(code="P0001", details="the table people")

    with mock_aws():
        create_registry()
        dynamodb = aws_client("dynamodb", REGION)
        store = OperationStore(dynamodb, TABLE)
        operation = Operations(store, Nobody(), None).start("kind", "tenant/acme", "op-1")  # type: ignore[arg-type]
        with pytest.raises(StatementFailed):
            Performer(store, Leases(dynamodb, TABLE), {"kind": [Step("fail", fail)]}).perform(operation.operation_id)
        found = store.get(operation.operation_id)
    assert found
    assert found.facts["error_details"] == "the table people"
