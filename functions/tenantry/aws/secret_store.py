"""Writes and reads secrets with an operator's rights; to serve a request, `tenant_secrets.py` reads them instead."""

import math
import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.credentials import (
    Credentials,
    dump_password_json,
    dump_secret_name,
    parse_credentials,
    parse_dump_password,
    secret_name,
)
from tenantry.domain.errors import Conflict, DependencyFailed, InvalidSetting, NotFound
from tenantry.domain.server import server_secret_name
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import TagTypeDef

# A new password of an administrator is used that much later at most.
_KEPT_SECONDS: Final = 10.0


class _Secrets:
    """Credentials stored by name, with tags that readers and policies compare."""

    def __init__(self, client: "SecretsManagerClient", stage: str) -> None:
        """Take a client whose identity may write secrets."""
        self._client = client
        self._stage = stage

    @property
    def stage(self) -> str:
        """Whose stage's secrets these are."""
        return self._stage

    def _find(self, name: str) -> Credentials | None:
        text = self._find_text(name)
        return None if text is None else parse_credentials(text)

    def _find_text(self, name: str) -> str | None:
        try:
            answer = self._client.get_secret_value(SecretId=name)
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            if exc.response["Error"]["Code"] == "InvalidRequestException":
                raise _to_be_deleted() from exc
            raise _unavailable() from exc
        except BotoCoreError as exc:
            raise _unavailable() from exc
        return answer["SecretString"]

    def _delete(self, name: str) -> None:
        try:
            self._client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        except self._client.exceptions.ResourceNotFoundException:
            return
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def _write(self, name: str, text: str, owner: tuple[str, str]) -> None:
        tags: list[TagTypeDef] = [{"Key": owner[0], "Value": owner[1]}, {"Key": "Stage", "Value": self._stage}]
        try:
            try:
                self._client.create_secret(Name=name, SecretString=text, Tags=tags)
            except self._client.exceptions.ResourceExistsException:
                self._client.put_secret_value(SecretId=name, SecretString=text)
                self._client.tag_resource(SecretId=name, Tags=tags)
        except self._client.exceptions.InvalidRequestException as exc:
            raise _to_be_deleted() from exc
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc


class SecretStore(_Secrets):
    """The tenants' secrets of one stage."""

    def exists(self, tenant_id: TenantId) -> bool:
        """Tell whether a tenant's secret exists, whatever its content, even if it is scheduled for deletion.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        try:
            self._client.get_secret_value(SecretId=secret_name(self._stage, tenant_id))
        except self._client.exceptions.ResourceNotFoundException:
            return False
        except self._client.exceptions.InvalidRequestException:
            return True
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc
        return True

    def find(self, tenant_id: TenantId) -> Credentials | None:
        """Read a tenant's credentials; None if none are stored.

        :raises DependencyFailed: Secrets Manager did not answer.
        :raises Conflict: somebody has deleted it, and Secrets Manager keeps it for a while (`secret_deleted`).
        :raises InvalidSetting: the secret is malformed.
        """
        return self._find(secret_name(self._stage, tenant_id))

    def find_usable(self, tenant_id: TenantId) -> Credentials | None:
        """Read a tenant's credentials; None if there are none that anybody could log in with, for whatever reason.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        try:
            return self.find(tenant_id)
        except (Conflict, InvalidSetting):
            return None

    def read(self, tenant_id: TenantId) -> Credentials:
        """Read a tenant's present credentials.

        :raises NotFound: none are stored.
        :raises DependencyFailed, InvalidSetting: as `find` does.
        """
        found = self.find(tenant_id)
        if found is None:
            raise NotFound(
                "The tenant has no secret.",
                code="credentials_missing",
                hint="Store the secret again, or repeat the call that makes the tenant, once nothing holds it.",
            )
        return found

    def write(self, tenant_id: TenantId, credentials: Credentials) -> None:
        """Store a tenant's credentials.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        self._write(secret_name(self._stage, tenant_id), credentials.to_json(), ("TenantId", tenant_id.value))

    def find_dump_password(self, tenant_id: TenantId) -> str | None:
        """Read the password of a tenant's logins for backups; None if none is stored.

        :raises DependencyFailed: Secrets Manager did not answer.
        :raises InvalidSetting: the secret is malformed.
        """
        text = self._find_text(dump_secret_name(self._stage, tenant_id))
        return None if text is None else parse_dump_password(text)

    def write_dump_password(self, tenant_id: TenantId, username: str, password: str) -> None:
        """Store the password of a tenant's logins for backups. :raises DependencyFailed: as above."""
        text = dump_password_json(username, password)
        self._write(dump_secret_name(self._stage, tenant_id), text, ("TenantId", tenant_id.value))

    def replace_dump_password(self, tenant_id: TenantId, username: str, password: str) -> None:
        """Store another password where there is one already. :raises DependencyFailed: as above."""
        name = dump_secret_name(self._stage, tenant_id)
        try:
            self._client.put_secret_value(SecretId=name, SecretString=dump_password_json(username, password))
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def delete_dump_password(self, tenant_id: TenantId) -> None:
        """Delete that password at once. :raises DependencyFailed: as above."""
        self._delete(dump_secret_name(self._stage, tenant_id))

    def schedule_rotation(self, tenant_id: TenantId, function_arn: str, rules: dict[str, str]) -> None:
        """Have a function rotate a tenant's credentials on the schedule `rules`; setting it again is no error.

        A schedule that is set already is left alone: Secrets Manager takes none while a version is pending.

        :raises DependencyFailed: Secrets Manager did not take it.
        """
        name = secret_name(self._stage, tenant_id)
        try:
            found = self._client.describe_secret(SecretId=name)
            is_set = found.get("RotationEnabled") and found.get("RotationLambdaARN") == function_arn
            if is_set and rules.items() <= found.get("RotationRules", {}).items():
                return
            self._client.rotate_secret(
                SecretId=name,
                RotationLambdaARN=function_arn,
                RotationRules=rules,  # type: ignore[arg-type]
                RotateImmediately=False,
            )
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def delete(self, tenant_id: TenantId) -> None:
        """Delete a tenant's credentials, and those of its backups, at once, without a recovery window.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        self.delete_dump_password(tenant_id)
        self._delete(secret_name(self._stage, tenant_id))


class ServerSecrets(_Secrets):
    """The credentials of one stage's server administrators.

    One operation connects to its servers dozens of times, so credentials are kept for a few seconds.
    """

    def __init__(self, client: "SecretsManagerClient", stage: str, kept_seconds: float = _KEPT_SECONDS) -> None:
        """Take a client whose identity may read (and, for `write`, write) secrets, and how long they are kept."""
        super().__init__(client, stage)
        self._kept_seconds = kept_seconds
        self._kept: dict[str, tuple[float, Credentials]] = {}

    def find(self, server_id: str) -> Credentials | None:
        """Read the credentials of a server's administrator, as they were some seconds ago; None: none are stored.

        :raises DependencyFailed: Secrets Manager did not answer.
        :raises InvalidSetting: the secret is malformed.
        """
        read_at, kept = self._kept.get(server_id, (-math.inf, None))
        if time.monotonic() - read_at < self._kept_seconds:
            return kept
        found = self._find(server_secret_name(self._stage, server_id))
        if found:
            self._kept[server_id] = (time.monotonic(), found)
        return found

    def forget(self) -> None:
        """Read everything anew from now on."""
        self._kept.clear()

    def write(self, server_id: str, credentials: Credentials) -> None:
        """Store the credentials of a server's administrator.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        self._kept.pop(server_id, None)
        self._write(server_secret_name(self._stage, server_id), credentials.to_json(), ("ServerId", server_id))

    def delete(self, server_id: str) -> None:
        """Delete the credentials of a server's administrator at once; it is no error if there are none.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        self._kept.pop(server_id, None)
        self._delete(server_secret_name(self._stage, server_id))


def _to_be_deleted() -> Conflict:
    return Conflict(
        "The secret is scheduled for deletion.",
        code="secret_deleted",
        hint="Restore it in Secrets Manager (`aws secretsmanager restore-secret`), and repeat the call.",
    )


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The secret could not be read or written.", code="secrets_unavailable")
