"""Stores a drill's verification next to its backup; the first one written stays."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tenantry.aws.object_store import ObjectStore
from tenantry.aws.upload_errors import AlreadyPublished
from tenantry.domain.backup import verification_key
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.verification import Verification

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class VerificationStore:
    """The verifications in the buckets of all regions."""

    def __init__(self, clients: Mapping[str, "S3Client"]) -> None:
        """Take a client for each bucket, of the bucket's region, that may write verifications."""
        self._clients = clients

    def put(self, backup: CataloguedBackup, verification: Verification) -> bool:
        """Write a verification into its backup's bucket; False if there already is one, which stays.

        :raises DependencyFailed: S3 did not take it.
        """
        store = ObjectStore(self._clients[backup.bucket], backup.bucket)
        body = verification.model_dump_json(by_alias=True, indent=2).encode()
        try:
            store.put_once(verification_key(backup.tenant_id, backup.backup_id), body, "application/json")
        except AlreadyPublished:
            return False
        return True
