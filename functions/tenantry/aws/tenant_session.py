"""AWS credentials that reach one tenant and nothing else.

The function's own role may read no secret. It assumes a tenant role with a session policy that names that tenant's
secret (and, for a backup, that tenant's prefix in the bucket) and with the session tag `TenantId`, which the role's
policy compares with the secret's tag. A bug in this code then cannot read another tenant's secret.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.credentials import dump_secret_name, secret_name
from tenantry.domain.errors import DependencyFailed
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

# Role chaining limits a session to one hour. A session is replaced five minutes before its end.
_SESSION_SECONDS = 3600
_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class TenantSession:
    """Temporary credentials for one tenant, in the form that boto3's `client` takes."""

    tenant_id: TenantId
    expires_at: datetime
    client_arguments: dict[str, Any]

    @property
    def is_fresh(self) -> bool:
        """Whether the credentials are valid for at least five more minutes."""
        return datetime.now(UTC) < self.expires_at - _MARGIN


class TenantSessions:
    """Assumes the tenant role, for one tenant at a time."""

    def __init__(self, sts: "STSClient", role_arn: str, stage: str, region: str, bucket: str | None = None) -> None:
        """Take the role to assume; with a `bucket`, sessions may also write the tenant's backups there."""
        self._sts = sts
        self._role_arn = role_arn
        self._stage = stage
        self._region = region
        self._bucket = bucket

    def open(self, tenant_id: TenantId) -> TenantSession:
        """Open a session of one tenant, valid for an hour.

        :raises DependencyFailed: STS refused or could not be reached.
        """
        try:
            answer = self._sts.assume_role(
                RoleArn=self._role_arn,
                RoleSessionName=f"tenant-{tenant_id.value}",
                DurationSeconds=_SESSION_SECONDS,
                Policy=json.dumps(self._policy(tenant_id), separators=(",", ":")),
                Tags=[{"Key": "TenantId", "Value": tenant_id.value}],
            )
        except (ClientError, BotoCoreError) as exc:
            raise DependencyFailed("The tenant's session could not be opened.", code="session_refused") from exc
        keys = answer["Credentials"]
        return TenantSession(
            tenant_id,
            keys["Expiration"],
            {
                "aws_access_key_id": keys["AccessKeyId"],
                "aws_secret_access_key": keys["SecretAccessKey"],
                "aws_session_token": keys["SessionToken"],
            },
        )

    def _policy(self, tenant_id: TenantId) -> dict[str, Any]:
        partition, account = self._role_arn.split(":")[1], self._role_arn.split(":")[4]
        names = [secret_name(self._stage, tenant_id)]
        if self._bucket:
            # Whoever serves requests has no use for the logins of backups.
            names.append(dump_secret_name(self._stage, tenant_id))
        # Secrets Manager appends a hyphen and six characters; with `*` here, `acme` would match `acme-prod`.
        secrets = [f"arn:{partition}:secretsmanager:{self._region}:{account}:secret:{name}-??????" for name in names]
        statements: list[dict[str, Any]] = [
            {
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                "Resource": secrets if self._bucket else secrets[0],
            }
        ]
        if self._bucket:
            statements += self._backup_statements(partition, tenant_id)
        return {"Version": "2012-10-17", "Statement": statements}

    def _backup_statements(self, partition: str, tenant_id: TenantId) -> list[dict[str, Any]]:
        bucket = f"arn:{partition}:s3:::{self._bucket}"
        prefix = f"tenants/{tenant_id.value}/backups/*"
        return [
            {
                "Effect": "Allow",
                "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"],
                "Resource": f"{bucket}/{prefix}",
            },
            # For backups that are encrypted with the operator's own key; the role's policy names the key.
            {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*"},
        ]
