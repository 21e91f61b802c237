"""Lists the tenants' secrets, API keys and users in AWS by the page; only what a list lacks is looked up one by one."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import DependencyFailed
from tenantry.reports.drift.fleet import SecretFacts, UsageKey, UserFacts

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

_CURRENT, _PENDING = "AWSCURRENT", "AWSPENDING"
# Each is a call; where more are missing, that is no lag.
_MOST_LOOKED_UP = 100
_KEYS_AT_ONCE = 500


class FleetInventory:
    """Lists everything of one stage."""

    def __init__(
        self,
        secrets: "SecretsManagerClient",
        gateway: "APIGatewayClient",
        users: "CognitoIdentityProviderClient",
        stage: str,
        user_pool_id: str,
    ) -> None:
        """Take clients that may list; `user_pool_id` is empty if another issuer keeps the users."""
        self._secrets = secrets
        self._gateway = gateway
        self._users = users
        self._stage = stage
        self._user_pool_id = user_pool_id

    def secrets(self) -> list[SecretFacts]:
        """List the secrets of tenants and servers, without their content.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        prefixes = tuple(f"tenantry/{self._stage}/{kind}/" for kind in ("tenants", "servers"))
        pages = self._secrets.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [*prefixes]}])
        try:
            found = [secret for page in pages for secret in page["SecretList"]]
        except (ClientError, BotoCoreError) as exc:
            raise DependencyFailed("The secrets could not be listed.", code="secrets_unavailable") from exc
        return [_secret(secret) for secret in found if secret["Name"].startswith(prefixes)]

    def find_secrets(self, names: list[str]) -> list[SecretFacts]:
        """Look secrets up by name, as a list lags behind by minutes; of many names, the first hundred.

        :raises DependencyFailed: Secrets Manager did not answer.
        """
        found: list[SecretFacts] = []
        for name in names[:_MOST_LOOKED_UP]:
            try:
                secret = self._secrets.describe_secret(SecretId=name)
            except self._secrets.exceptions.ResourceNotFoundException:
                continue
            except (ClientError, BotoCoreError) as exc:
                raise DependencyFailed("The secrets could not be listed.", code="secrets_unavailable") from exc
            if "DeletedDate" not in secret:
                found.append(_secret({**secret, "SecretVersionsToStages": secret.get("VersionIdsToStages")}))
        return found

    def usage_keys(self) -> list[UsageKey]:
        """List the API keys of tenants.

        :raises DependencyFailed: API Gateway did not answer.
        """
        prefix = f"tenantry-{self._stage}-"
        pages = self._gateway.get_paginator("get_api_keys").paginate(
            nameQuery=prefix, includeValues=False, PaginationConfig={"PageSize": _KEYS_AT_ONCE}
        )
        try:
            found = [key for page in pages for key in page["items"]]
        except (ClientError, BotoCoreError) as exc:
            raise DependencyFailed("The API keys could not be listed.", code="usage_keys_unavailable") from exc
        keys = [
            UsageKey(key["id"], key["name"], key["name"].removeprefix(prefix), key.get("tags") or {})
            for key in found
            if key.get("name", "").startswith(prefix)
        ]
        # The prefix `tenantry-a-` also matches names of the stage `a-b`, so drop keys that are tagged with another
        # stage.
        return [key for key in keys if key.tags.get("Stage", self._stage) == self._stage]

    def users(self) -> list[UserFacts]:
        """List the users of the pool; the list is empty if another issuer keeps the users.

        :raises DependencyFailed: Cognito did not answer.
        """
        if not self._user_pool_id:
            return []
        pages = self._users.get_paginator("list_users").paginate(UserPoolId=self._user_pool_id)
        try:
            return [_user(user) for page in pages for user in page["Users"]]
        except (ClientError, BotoCoreError) as exc:
            raise DependencyFailed("The user directory did not answer.", code="users_unavailable") from exc


def _secret(secret: Any) -> SecretFacts:
    stages = secret.get("SecretVersionsToStages") or {}
    pending = [version for version, labels in stages.items() if _PENDING in labels and _CURRENT not in labels]
    return SecretFacts(
        name=secret["Name"],
        tags={tag["Key"]: tag["Value"] for tag in secret.get("Tags") or []},
        rotates=bool(secret.get("RotationEnabled")),
        pending=tuple(sorted(pending)),
        created_at=secret["CreatedDate"],
        changed_at=secret.get("LastChangedDate") or secret["CreatedDate"],
    )


def _user(user: Any) -> UserFacts:
    attributes = {item["Name"]: item.get("Value", "") for item in user.get("Attributes", [])}
    return UserFacts(user["Username"], attributes.get("custom:tenant_id", ""), attributes.get("custom:role", ""))
