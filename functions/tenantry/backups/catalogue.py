"""The catalogue of backups. The bucket itself is the catalogue: no second record exists."""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ValidationError

from tenantry.aws.object_versions import list_versions, store_unavailable
from tenantry.backups.hold_tags import BackupHolds, reason_of
from tenantry.domain.backup import BackupId, Manifest, backup_prefix, dump_key, manifest_key, verification_key
from tenantry.domain.catalogue import CataloguedBackup, Fault, StoredVersion
from tenantry.domain.errors import BadRequest
from tenantry.domain.paging import Page, PageRequest, cut
from tenantry.domain.tenant import TenantId
from tenantry.domain.verification import Verification

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_KEY = re.compile(r"tenants/([^/]+)/backups/([^/]+)/.+")
_WORKERS = 8


class _Document[Model: BaseModel](NamedTuple):
    """A small object: its parsed content (None if missing or unreadable), and S3's answer, which has its locks."""

    content: Model | None
    answer: dict[str, Any]


type _Group = tuple[TenantId, BackupId, list[StoredVersion]]


class BackupCatalogue:
    """Reads which backups exist, with one listing and two or three small reads for each backup."""

    def __init__(self, s3: "S3Client", bucket: str, elsewhere: Sequence["BackupCatalogue"] = ()) -> None:
        """Take a client that may list versions and read; `elsewhere` are the catalogues of other regions' buckets."""
        self._s3 = s3
        self._bucket = bucket
        self._holds = BackupHolds(s3, bucket)
        self._elsewhere = elsewhere

    def of(self, *tenant_ids: TenantId) -> list[CataloguedBackup]:
        """List a tenant's backups, oldest first; a renamed tenant has several ids.

        A broken backup is listed too, with its fault.

        :raises DependencyFailed: S3 did not answer.
        """
        own = [self.named(tenant_id) for tenant_id in tenant_ids]
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="catalogue") as pool:
            found = list(pool.map(lambda group: self.read(*group), (one for group in own for one in group)))
        found += [backup for other in self._elsewhere for backup in other.of(*tenant_ids)]
        return sorted(found, key=attrgetter("backup_id"))

    def page(self, request: PageRequest, *tenant_ids: TenantId) -> Page[CataloguedBackup]:
        """Read a page of a tenant's backups, oldest first; only those are read that are on it.

        :raises DependencyFailed: S3 did not answer.
        """
        found = [
            (catalogue.read, group)
            for catalogue in (self, *self._elsewhere)
            for tenant_id in tenant_ids
            for group in islice(catalogue.named(tenant_id, request.after), request.limit + 1)
        ]
        found.sort(key=lambda one: one[1][1])
        page = cut(Page(tuple(found)), request, lambda one: one[1][1].value)
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="catalogue") as pool:
            return Page(tuple(pool.map(lambda one: one[0](*one[1]), page.items)), page.after)

    def fleet(self, tenants: Iterable[Sequence[TenantId]]) -> Iterator[list[CataloguedBackup]]:
        """List the backups of many tenants, in the given order; a tenant is given as all its ids.

        :raises DependencyFailed: S3 did not answer.
        """
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="fleet") as pool:
            yield from pool.map(lambda tenant_ids: self.of(*tenant_ids), tenants)

    def find(self, backup_id: BackupId, *tenant_ids: TenantId) -> CataloguedBackup | None:
        """Look a backup up under any of these ids.

        :raises DependencyFailed: S3 did not answer.
        """
        for tenant_id in tenant_ids:
            versions = list(list_versions(self._s3, self._bucket, backup_prefix(tenant_id, backup_id)))
            if versions:
                return self.read(tenant_id, backup_id, versions)
        return next(filter(None, (other.find(backup_id, *tenant_ids) for other in self._elsewhere)), None)

    def named(self, tenant_id: TenantId, after: str = "") -> Iterator[_Group]:
        """Yield what this bucket has of each of a tenant's backups, oldest first; with `after`, of those behind it."""
        # The slash keeps the prefix of `acme` from matching `acme-prod`.
        prefix = f"tenants/{tenant_id.value}/backups/"
        versions = list_versions(self._s3, self._bucket, prefix, f"{prefix}{after}" if after else "")
        for name, group in groupby(versions, key=lambda version: _name(version.key)):
            try:
                backup_id = BackupId(name)
            except BadRequest:
                # Not an object that Tenantry wrote: leave it alone.
                continue
            if name == after:
                continue
            yield tenant_id, backup_id, list(group)

    def read(self, tenant_id: TenantId, backup_id: BackupId, versions: list[StoredVersion]) -> CataloguedBackup:
        """Read the small objects of a backup. :raises DependencyFailed: S3 did not answer."""
        manifest_version = _latest(versions, manifest_key(tenant_id, backup_id))
        tagged = self._holds.find(versions)
        manifest = self._document(Manifest, manifest_version)
        verification = self._document(Verification, _latest(versions, verification_key(tenant_id, backup_id)))
        names = (tenant_id.value, backup_id.value)
        answers = [manifest.answer, verification.answer]
        return CataloguedBackup(
            tenant_id=tenant_id,
            backup_id=backup_id,
            bucket=self._bucket,
            versions=tuple(versions),
            manifest=_own(manifest.content, names),
            verification=_own(verification.content, names),
            fault=_fault(tenant_id, backup_id, versions, _own(manifest.content, names)),
            hold=reason_of(tagged, answers),
            locked_until=_locked_until(answers),
        )

    def _document[Model: BaseModel](self, model: type[Model], version: StoredVersion | None) -> _Document[Model]:
        if version is None or version.is_marker:
            return _Document(None, {})
        try:
            answer: Any = self._s3.get_object(Bucket=self._bucket, Key=version.key, VersionId=version.version_id)
            body = answer["Body"].read()
        except ClientError as exc:
            if exc.response["Error"]["Code"] in {"NoSuchKey", "NoSuchVersion"}:
                # The object was deleted after it was listed.
                return _Document(None, {})
            raise store_unavailable() from exc
        except BotoCoreError as exc:
            raise store_unavailable() from exc
        try:
            return _Document(model.model_validate_json(body), answer)
        except ValidationError:
            return _Document(None, answer)


def _name(key: str) -> str:
    found = _KEY.fullmatch(key)
    return found[2] if found else ""


def _latest(versions: Iterable[StoredVersion], key: str) -> StoredVersion | None:
    return next((version for version in versions if version.key == key and version.is_latest), None)


def _own[Document: (Manifest, Verification)](document: Document | None, names: tuple[str, str]) -> Document | None:
    """Ignore a document that names another backup than the one it lies with."""
    return document if document is not None and (document.tenant_id, document.backup_id) == names else None


def _fault(
    tenant_id: TenantId, backup_id: BackupId, versions: list[StoredVersion], manifest: Manifest | None
) -> Fault | None:
    wanted, key = manifest_key(tenant_id, backup_id), dump_key(tenant_id, backup_id)
    written = [version for version in versions if version.key == wanted and not version.is_marker]
    if not written:
        return Fault.MANIFEST_MISSING
    if not any(version.is_latest for version in written):
        return Fault.HIDDEN
    if manifest is None:
        return Fault.MANIFEST_UNREADABLE
    dumps = {version.version_id: version for version in versions if version.key == key and not version.is_marker}
    # The manifest names one version of the dump: a later version is not what was backed up.
    latest = _latest(versions, key)
    pinned = manifest.dump.version_id or (latest.version_id if latest else "")
    if manifest.dump.key != key or pinned not in dumps:
        return Fault.DUMP_MISSING
    if not dumps[pinned].is_latest:
        # S3 keeps the deleted version only for a while.
        return Fault.HIDDEN
    return None if dumps[pinned].size == manifest.dump.stored_bytes else Fault.DUMP_SIZE


def _locked_until(answers: Iterable[dict[str, Any]]) -> datetime | None:
    return max(filter(None, (answer.get("ObjectLockRetainUntilDate") for answer in answers)), default=None)
