"""The report on backups: compares each tenant's newest backup and newest verified one with its policy."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.backups.history import BackupHistories
from tenantry.backups.judging import BackupReport, judge
from tenantry.domain import operation_kinds
from tenantry.domain.spreadsheet import as_cell
from tenantry.domain.tenant import Tenant, TenantId, TenantStatus
from tenantry.operations.operations import Step
from tenantry.reports.report_store import ReportStore
from tenantry.reports.stored_reports import stored_step

KIND, TARGET = operation_kinds.REPORT_BACKUPS, "fleet/backups"
# Tenants that are being made or erased are not judged.
_SETTLED = (TenantStatus.ACTIVE, TenantStatus.SUSPENDED)


class BackupAudit:
    """Judges the backups of one stage."""

    def __init__(self, registry: Registry, histories: BackupHistories) -> None:
        """Take the adapters."""
        self._registry = registry
        self._histories = histories

    def run(self, now: datetime | None = None) -> BackupReport:
        """Judge every tenant's backups.

        :raises DependencyFailed: the registry or S3 did not answer.
        """
        now = now or datetime.now(UTC)
        tenants = settled(self._registry.tenants())
        histories = self._histories.read([all_ids(tenant) for tenant in tenants])
        lines = [judge(tenant, history, now) for tenant, history in zip(tenants, histories, strict=True)]
        # The sort is stable, so both groups stay ordered by id.
        lines.sort(key=lambda line: not line.faults)
        return BackupReport(now.isoformat(timespec="seconds"), lines)


def settled(tenants: Iterable[Tenant]) -> list[Tenant]:
    """List the tenants that have to have backups."""
    return [tenant for tenant in tenants if tenant.status in _SETTLED]


def all_ids(tenant: Tenant) -> list[TenantId]:
    """List a tenant's present and former ids: its backups stay where they were written."""
    return [tenant.tenant_id, *tenant.former_ids]


def steps(audit: BackupAudit, store: ReportStore) -> Sequence[Step]:
    """List the one step of the operation."""
    return (stored_step("judge", KIND, lambda: audit.run().to_json(), store),)


def as_csv(report: dict[str, Any]) -> str:
    """Write a report's lines as CSV, for an auditor's spreadsheet, which takes no text for a formula."""
    text = io.StringIO(newline="")
    names = list(report["tenants"][0]) if report["tenants"] else ["tenant_id"]
    writer = csv.DictWriter(text, ["made_at", *names])
    writer.writeheader()
    for line in report["tenants"]:
        cells = {"made_at": report["made_at"], **line, "faults": " ".join(line["faults"])}
        writer.writerow({name: as_cell(value) for name, value in cells.items()})
    return text.getvalue()
