"""What stands in the audit trail stays there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.domain.errors import DependencyFailed
from tenantry.domain.paging import PageRequest
from tenantry.domain.ulid import new_ulid
from tenantry.operations.audit import AuditEntry
from tenantry.operations.audit_log import AuditFilter, AuditLog
from tests.integration.conftest import ENVIRONMENT, REGION, TABLE, create_registry


def test_an_entry_is_not_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator's action is recorded under an id that is there already: what is there stays, and it is an error."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        create_registry()
        log = AuditLog(aws_client("dynamodb", REGION), TABLE)
        now = datetime.now(UTC)
        entry = AuditEntry(new_ulid(now), now, "op-1", "erase", "tenant/acme", "succeeded")
        log.append(entry)
        for other in (replace(entry, actor="op-2"), replace(entry, outcome="failed"), entry):
            with pytest.raises(DependencyFailed):
                log.append(other)
        wanted = AuditFilter(now - timedelta(days=1), now + timedelta(days=1))
        assert log.page(wanted, PageRequest()).items == (entry,)
