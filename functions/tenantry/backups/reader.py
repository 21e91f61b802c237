"""Reads one tenant's backups with AWS credentials that reach nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tenantry.aws.tenant_session import TenantSession, TenantSessions
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.domain.backup import Manifest
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.residency import BackupBucket, BackupBuckets
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

_LINK = timedelta(minutes=15)


class ReaderSessions(TenantSessions):
    """Sessions that may read one tenant's backups; they may read no secret and write nothing."""

    def __init__(self, sts: "STSClient", role_arn: str, stage: str, region: str, buckets: BackupBuckets) -> None:
        """Take the role to assume, and the buckets that may hold backups."""
        super().__init__(sts, role_arn, stage, region)
        own, *others = buckets.all()
        # By what their names begin with, as in the role's policy: twelve names are more than a session's policy takes.
        self._buckets = [own.name, *([f"tenantry-{stage}-backups-*"] if others else [])]

    def _policy(self, tenant_id: TenantId) -> dict[str, Any]:
        partition, prefix = self._role_arn.split(":")[1], f"tenants/{tenant_id.value}/backups/*"
        arns = [f"arn:{partition}:s3:::{name}" for name in self._buckets]
        read = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"]
        return {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": read, "Resource": [f"{arn}/{prefix}" for arn in arns]},
                {
                    "Effect": "Allow",
                    "Action": "s3:ListBucketVersions",
                    "Resource": arns,
                    "Condition": {"StringLike": {"s3:prefix": prefix}},
                },
                # For a bucket that is encrypted under the operator's own key; the role's policy names the key.
                {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
            ],
        }


class BackupReader:
    """Reads the backups under one tenant's id."""

    def __init__(
        self,
        session: TenantSession,
        buckets: BackupBuckets,
        new_client: Callable[[BackupBucket, TenantSession], "S3Client"],
    ) -> None:
        """Take the tenant's session, and what makes a client with it in a bucket's region."""
        self._session = session
        self._clients = {bucket.name: new_client(bucket, session) for bucket in buckets.all()}

    def catalogue(self) -> BackupCatalogue:
        """Make a catalogue that reads with the tenant's session."""
        own, *others = self._clients.items()
        elsewhere = [BackupCatalogue(client, name) for name, client in others]
        return BackupCatalogue(own[1], own[0], elsewhere)

    def link(self, backup: CataloguedBackup, manifest: Manifest) -> tuple[str, datetime]:
        """Sign a link to a backup's dump; returns it and its expiry, which is never later than the session's."""
        ends = min(datetime.now(UTC) + _LINK, self._session.expires_at)
        name = f"{backup.tenant_id}-{backup.backup_id}.dump.zst"
        wanted = {
            "Bucket": backup.bucket,
            "Key": manifest.dump.key,
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        if manifest.dump.version_id:
            wanted["VersionId"] = manifest.dump.version_id
        seconds = int((ends - datetime.now(UTC)).total_seconds())
        url = self._clients[backup.bucket].generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)
        return url, ends
