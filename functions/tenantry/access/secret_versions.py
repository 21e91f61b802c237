"""The versions of one tenant's secret: a rotation makes them and moves their labels.

`AWSCURRENT` labels the version that the tenant is served with, `AWSPENDING` its successor during a rotation.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.credentials import secret_name
from tenantry.domain.errors import DependencyFailed, IdentityMismatch, NotFound
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
_MISSING = "ResourceNotFoundException"


@dataclass(frozen=True, slots=True)
class RotatingSecret:
    """A tenant's secret without its content: its tenant, and the labels of its versions by version id."""

    arn: str
    tenant_id: TenantId
    labels: Mapping[str, frozenset[str]]

    @property
    def current(self) -> str:
        """The id of the current version. :raises NotFound: there is none."""
        for version in self.labelled(CURRENT):
            return version
        raise NotFound(
            "The secret has no current version.",
            code="credentials_missing",
            hint="Repeat the call that makes the tenant, which writes its secret anew.",
        )

    def labelled(self, label: str) -> frozenset[str]:
        """Return the ids of the versions with a label: at most one on AWS, or more if a label was left behind."""
        return frozenset(version for version, labels in self.labels.items() if label in labels)


class SecretVersions:
    """Reads and writes the versions of the tenants' secrets of one stage."""

    def __init__(self, client: "SecretsManagerClient", stage: str) -> None:
        """Take a client whose identity may rotate secrets."""
        self._client = client
        self._stage = stage

    def describe(self, secret_id: str) -> RotatingSecret:
        """Find the secret's tenant in its tags, and make sure that its name agrees.

        :raises NotFound: there is no such secret.
        :raises IdentityMismatch: tags and name do not name the same tenant of this stage.
        :raises DependencyFailed: Secrets Manager did not answer.
        """
        with _translated():
            answer = self._client.describe_secret(SecretId=secret_id)
        tags = {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}
        if "TenantId" not in tags or tags.get("Stage") != self._stage:
            raise IdentityMismatch()
        tenant_id = TenantId(tags["TenantId"])
        if answer["Name"] != secret_name(self._stage, tenant_id):
            raise IdentityMismatch()
        labels = {version: frozenset(names) for version, names in answer.get("VersionIdsToStages", {}).items()}
        return RotatingSecret(answer["ARN"], tenant_id, labels)

    def read(self, secret: RotatingSecret, version: str, label: str) -> str | None:
        """Read a version that has a label; None if it has no content yet.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        try:
            with _translated():
                answer = self._client.get_secret_value(SecretId=secret.arn, VersionId=version, VersionStage=label)
        except NotFound:
            return None
        return answer.get("SecretString")

    def put_pending(self, secret: RotatingSecret, version: str, text: str) -> None:
        """Write a version's content and label it as pending.

        :raises DependencyFailed: Secrets Manager did not answer, or the version has other content already.
        """
        with _translated():
            self._client.put_secret_value(
                SecretId=secret.arn, ClientRequestToken=version, SecretString=text, VersionStages=[PENDING]
            )

    def drop_pending(self, secret: RotatingSecret, version: str) -> None:
        """Remove the label `AWSPENDING` from a version.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        with _translated():
            self._client.update_secret_version_stage(
                SecretId=secret.arn, VersionStage=PENDING, RemoveFromVersionId=version
            )

    def make_current(self, secret: RotatingSecret, version: str) -> None:
        """Move `AWSCURRENT` to a version, if the label has not moved since the secret was described.

        :raises DependencyFailed: Secrets Manager did not answer, or the label has been moved.
        """
        with _translated():
            self._client.update_secret_version_stage(
                SecretId=secret.arn,
                VersionStage=CURRENT,
                MoveToVersionId=version,
                RemoveFromVersionId=secret.current,
            )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        if exc.response["Error"]["Code"] == _MISSING:
            raise NotFound(
                "There is no such secret or version.",
                code="secret_missing",
                hint="Repeat the call that makes the tenant, which writes its secret anew.",
            ) from exc
        raise _unavailable() from exc
    except BotoCoreError as exc:
        raise _unavailable() from exc


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The tenant's secret could not be read or written.", code="secrets_unavailable")
