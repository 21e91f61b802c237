"""Stores password files for libpq as secrets, one for each inspection, until they expire."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class PassFileStore:
    """Writes and deletes password files; operators read them with rights of their own."""

    def __init__(self, client: "SecretsManagerClient", stage: str) -> None:
        """Take a client whose identity may write secrets."""
        self._client = client
        self._stage = stage

    def write(self, name: str, text: str, expires_at: datetime) -> None:
        """Store a password file.

        :raises DependencyFailed: Secrets Manager did not take it.
        """
        tags = {"Stage": self._stage, "ExpiresAt": expires_at.astimezone(UTC).isoformat(timespec="seconds")}
        try:
            self._client.create_secret(
                Name=name,
                SecretString=text,
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def delete(self, name: str) -> None:
        """Delete a password file at once; a missing one counts as deleted.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        try:
            self._client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        except self._client.exceptions.ResourceNotFoundException:
            return
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The password file could not be written or deleted.", code="secrets_unavailable")
