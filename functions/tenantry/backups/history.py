"""Reads every tenant's backup history from the buckets, cheaply enough to do it every hour.

One listing of each bucket shows which backups exist. Only the few that decide about a tenant are read: the newest whole
one, one for each of the days before, and the newest ones that were drilled.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

from tenantry.aws.object_versions import list_versions
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.backups.inventory import Bucket
from tenantry.backups.judging import TenantHistory
from tenantry.domain.backup import BackupId
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import TenantId
from tenantry.domain.ulid import ulid_time

_KEY = re.compile(r"tenants/([^/]+)/backups/([^/]+)/(manifest\.json|verified\.json)")
_MANIFEST = "manifest.json"
_DAYS = 8
# How many drilled backups are read, so that a failed drill does not hide the one before it that passed.
_DRILLS = 3
_WORKERS = 16


@dataclass(slots=True)
class _Listed:
    """The ids of one tenant's published and of its drilled backups, each with the tenant id in its key."""

    published: dict[BackupId, TenantId] = field(default_factory=dict)
    drilled: dict[BackupId, TenantId] = field(default_factory=dict)


class BackupHistories:
    """Reads the histories of a fleet."""

    def __init__(self, catalogue: BackupCatalogue, buckets: Sequence[Bucket]) -> None:
        """Take the catalogue of all regions, and the buckets to list."""
        self._catalogue = catalogue
        self._buckets = buckets

    def read(self, tenants: Sequence[Sequence[TenantId]]) -> Iterator[TenantHistory]:
        """Read the history of each tenant, in the given order; a tenant is given as all ids that it has or had.

        :raises DependencyFailed: S3 did not answer.
        """
        listed = self._list()
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="history") as pool:
            yield from pool.map(lambda ids: self._history([listed[i.value] for i in ids if i.value in listed]), tenants)

    def _list(self) -> dict[str, _Listed]:
        found: dict[str, _Listed] = defaultdict(_Listed)
        for bucket in self._buckets:
            for version in list_versions(bucket.s3, bucket.name, "tenants/"):
                key = _KEY.fullmatch(version.key)
                if key and version.is_latest and not version.is_marker:
                    _note(found[key[1]], *key.groups())
        return found

    def _history(self, listed: Sequence[_Listed]) -> TenantHistory:
        published = {backup: tenant for one in listed for backup, tenant in one.published.items()}
        drilled = {backup: tenant for one in listed for backup, tenant in one.drilled.items()}
        found = self._whole(published)
        newest = sorted(drilled.items(), reverse=True)[:_DRILLS]
        spoken_of = [b for b in (self._find(*drill) for drill in newest) if b and b.verification]
        verified = next((backup for backup in spoken_of if backup.verified), None)
        return TenantHistory(
            backups=found,
            verified=verified,
            drilled=spoken_of[0].verification if spoken_of else None,
            oldest=ulid_time(min(published).value) if published else None,
        )

    def _whole(self, published: dict[BackupId, TenantId]) -> list[CataloguedBackup]:
        """Read the newest whole backup of each recent day that has one, oldest first."""
        found: list[CataloguedBackup] = []
        days: set[date] = set()
        for backup_id in sorted(published, reverse=True):
            day = ulid_time(backup_id.value).date()
            if day in days:
                continue
            backup = self._find(backup_id, published[backup_id])
            if backup and not backup.broken:
                days.add(day)
                found.append(backup)
            if len(days) == _DAYS:
                break
        return found[::-1]

    def _find(self, backup_id: BackupId, tenant_id: TenantId) -> CataloguedBackup | None:
        return self._catalogue.find(backup_id, tenant_id)


def _note(listed: _Listed, tenant: str, backup: str, name: str) -> None:
    try:
        tenant_id, backup_id = TenantId(tenant), BackupId(backup)
    except BadRequest:
        # Not an object that Tenantry wrote; the drift report names it.
        return
    (listed.published if name == _MANIFEST else listed.drilled)[backup_id] = tenant_id
