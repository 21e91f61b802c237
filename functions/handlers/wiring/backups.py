"""Wires the adapters of the backups' buckets, for functions that read, hold or delete backups."""

from typing import Any

from botocore.config import Config

from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.tenant_session import TenantSession
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.backups.history import BackupHistories
from tenantry.backups.hold_tags import BackupHolds
from tenantry.backups.inventory import Bucket
from tenantry.backups.own_backups import OwnBackups
from tenantry.backups.reader import BackupReader, ReaderSessions
from tenantry.backups.retention.removal import BackupRemoval
from tenantry.domain.residency import BackupBucket, BackupBuckets


def backup_catalogue(buckets: BackupBuckets) -> BackupCatalogue:
    """Wire the catalogue of all regions' buckets."""
    own, *others = buckets.all()
    elsewhere = [BackupCatalogue(aws_client("s3", other.region), other.name) for other in others]
    return BackupCatalogue(aws_client("s3", own.region), own.name, elsewhere)


def backup_histories(buckets: BackupBuckets) -> BackupHistories:
    """Wire the reader of the fleet's histories, for all regions' buckets."""
    listed = [Bucket(aws_client("s3", bucket.region), bucket.name) for bucket in buckets.all()]
    return BackupHistories(backup_catalogue(buckets), listed)


def own_backups(registry: Registry, role_arn: str, stage: str, region: str, buckets: BackupBuckets) -> OwnBackups:
    """Wire the reader of one tenant's backups, with that tenant's session, for all regions' buckets."""
    sessions = ReaderSessions(aws_client("sts", region), role_arn, stage, region, buckets)

    def new_client(bucket: BackupBucket, session: TenantSession) -> Any:
        # Links need this signature too: with the older one, S3 refuses objects that are encrypted with a customer's
        # key.
        return aws_client("s3", bucket.region, session, Config(signature_version="s3v4"))

    return OwnBackups(registry, lambda tenant_id: BackupReader(sessions.open(tenant_id), buckets, new_client))


def backup_removal(buckets: BackupBuckets) -> BackupRemoval:
    """Wire the removal of backups from all regions' buckets."""
    own, *others = buckets.all()
    elsewhere = [BackupRemoval(aws_client("s3", other.region), other.name) for other in others]
    return BackupRemoval(aws_client("s3", own.region), own.name, elsewhere)


def backup_holds(buckets: BackupBuckets) -> dict[str, BackupHolds]:
    """Wire the holds of all regions' buckets, by the buckets' names."""
    return {bucket.name: BackupHolds(aws_client("s3", bucket.region), bucket.name) for bucket in buckets.all()}
