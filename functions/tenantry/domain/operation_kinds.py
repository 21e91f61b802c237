"""The kinds of operations, as they are stored. A room that supplies a workflow takes its kind from here."""

from tenantry.domain.relocation import ABANDON, CLONE, CONFIRM, MOVE, PROMOTE, UNDO
from tenantry.domain.restore import ABANDON_RESTORE, RESTORE, RESTORE_TABLES, UNDO_RESTORE

ERASE, ERASE_REMAINS, RENAME = "erase_tenant", "erase_remains", "rename_tenant"
APPLY_RETENTION, PLAN_RETENTION = "apply_retention", "plan_retention"
CLOSE_INSPECTION = "close_pgadmin"
REPORT_ISOLATION, REPORT_DRIFT = "audit_isolation", "report_drift"
REPORT_COST, REPORT_BACKUPS = "report_cost", "report_backups"

__all__ = [
    "ABANDON",
    "ABANDON_RESTORE",
    "APPLY_RETENTION",
    "CLONE",
    "CLOSE_INSPECTION",
    "CONFIRM",
    "ERASE",
    "ERASE_REMAINS",
    "MOVE",
    "PLAN_RETENTION",
    "PROMOTE",
    "RENAME",
    "REPORT_BACKUPS",
    "REPORT_COST",
    "REPORT_DRIFT",
    "REPORT_ISOLATION",
    "RESTORE",
    "RESTORE_TABLES",
    "UNDO",
    "UNDO_RESTORE",
]
