"""Writes tenants' secrets, as an operator. Reading them to serve a request is `secrets.py`'s."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.credentials import Credentials, parse_credentials, secret_name
from tenantry.domain.errors import DependencyFailed
from tenantry.domain.tenant import TenantId

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import TagTypeDef


class SecretStore:
    """The secrets of one stage."""

    def __init__(self, client: "SecretsManagerClient", stage: str) -> None:
        """Take a client whose identity may write secrets."""
        self._client = client
        self._stage = stage

    def find(self, tenant_id: TenantId) -> Credentials | None:
        """Read what is stored for a tenant, if anything is.

        :raises DependencyFailed: Secrets Manager did not answer.
        :raises InvalidSetting: it can't be understood.
        """
        try:
            answer = self._client.get_secret_value(SecretId=secret_name(self._stage, tenant_id))
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise _unavailable() from exc
        except BotoCoreError as exc:
            raise _unavailable() from exc
        return parse_credentials(answer["SecretString"])

    def write(self, tenant_id: TenantId, credentials: Credentials) -> None:
        """Store a tenant's credentials with the tags that readers and policies compare.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        name, text = secret_name(self._stage, tenant_id), credentials.to_json()
        tags: list[TagTypeDef] = [
            {"Key": "TenantId", "Value": tenant_id.value},
            {"Key": "Stage", "Value": self._stage},
        ]
        try:
            try:
                self._client.create_secret(Name=name, SecretString=text, Tags=tags)
            except self._client.exceptions.ResourceExistsException:
                self._client.put_secret_value(SecretId=name, SecretString=text)
                self._client.tag_resource(SecretId=name, Tags=tags)
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The tenant's secret could not be read or written.", code="secrets_unavailable")
