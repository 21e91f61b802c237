"""Fields for the backups' buckets and retention, which several handlers share."""

from typing import Any

from handlers.settings.environment import computed, read_text
from tenantry.domain.residency import BackupBucket, BackupBuckets, parse_buckets
from tenantry.domain.retention_policy import RetentionPolicy, parse_policy


def backup_buckets(default: str | None = None) -> Any:
    """Make a field for the backups' buckets: the stack's own, and those of other regions."""
    return computed(lambda: _read_buckets(read_text("BACKUP_BUCKET", default)))


def retention_policy() -> Any:
    """Make a field for the retention policy."""
    return computed(_read_policy)


def _read_buckets(own: str) -> BackupBuckets:
    mine = BackupBucket(read_text("AWS_REGION"), own)
    return parse_buckets(mine, read_text("BACKUP_BUCKETS", ""), read_text("STAGE"))


def _read_policy() -> RetentionPolicy:
    return parse_policy(read_text("RETENTION", ""))
