"""Where a tenant's backups may be stored: if its data must not leave a region, only there."""

import re
from dataclasses import dataclass

from tenantry.domain.errors import InvalidSetting

_ENTRY = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)=([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")


@dataclass(frozen=True, slots=True)
class BackupBucket:
    """A bucket and its region."""

    region: str
    name: str


@dataclass(frozen=True, slots=True)
class BackupBuckets:
    """The stack's own bucket, and at most one bucket in each other region."""

    own: BackupBucket
    elsewhere: tuple[BackupBucket, ...] = ()

    def find(self, region: str) -> BackupBucket | None:
        """Choose the bucket for a tenant whose data must not leave `region` (empty if it may be anywhere).

        Returns None if that region has no bucket: no backup is better than one that breaks the rule.
        """
        if not region:
            return self.own
        return next((bucket for bucket in self.all() if bucket.region == region), None)

    def all(self) -> list[BackupBucket]:
        """List all buckets, the stack's own first."""
        return [self.own, *self.elsewhere]


def parse_buckets(own: BackupBucket, text: str, stage: str) -> BackupBuckets:
    """Read `region=bucket,region=bucket`; an empty text means that there are no other buckets.

    :raises InvalidSetting: the text is malformed, or the roles' policies do not cover a bucket of that name.
    """
    elsewhere: list[BackupBucket] = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        found = _ENTRY.fullmatch(entry)
        if not found or not found[2].startswith(f"tenantry-{stage}-backups-"):
            raise InvalidSetting(f"BackupBuckets has to be like eu-west-1=tenantry-{stage}-backups-eu-west-1.")
        elsewhere.append(BackupBucket(found[1], found[2]))
    return BackupBuckets(own, tuple(elsewhere))
