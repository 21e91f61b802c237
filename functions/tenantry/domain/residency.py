"""Where a tenant's backups may lie: in its own region, where it has one that its data must not leave."""

import re
from dataclasses import dataclass

from tenantry.domain.errors import InvalidSetting

_ENTRY = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)=([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")


@dataclass(frozen=True, slots=True)
class BackupBucket:
    """A bucket and the region that it lies in."""

    region: str
    name: str


@dataclass(frozen=True, slots=True)
class BackupBuckets:
    """The stack's own bucket, and one of each other region that has one."""

    own: BackupBucket
    elsewhere: tuple[BackupBucket, ...] = ()

    def find(self, region: str) -> BackupBucket | None:
        """Choose the bucket for a tenant whose data must not leave `region` (empty: it may lie anywhere).

        Nothing is chosen where that region has no bucket: no backup is better than one that breaks the rule.
        """
        if not region:
            return self.own
        return next((bucket for bucket in self.all() if bucket.region == region), None)

    def all(self) -> list[BackupBucket]:
        """List them, the stack's own first."""
        return [self.own, *self.elsewhere]


def parse_buckets(own: BackupBucket, text: str, stage: str) -> BackupBuckets:
    """Read `region=bucket,region=bucket`; nothing is no other bucket.

    :raises InvalidSetting: it is malformed, or the roles' policies do not cover a bucket of that name.
    """
    elsewhere: list[BackupBucket] = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        found = _ENTRY.fullmatch(entry)
        if not found or not found[2].startswith(f"tenantry-{stage}-backups-"):
            raise InvalidSetting(f"BackupBuckets has to be like eu-west-1=tenantry-{stage}-backups-eu-west-1.")
        elsewhere.append(BackupBucket(found[1], found[2]))
    return BackupBuckets(own, tuple(elsewhere))
