"""Users in the Cognito user pool, if the deployment has one."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import BadRequest, Conflict, DependencyFailed
from tenantry.domain.tenant import Role, TenantId

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


class UserDirectory:
    """Makes tenants' users. Cognito sends them a first password, which nobody else gets to see."""

    def __init__(self, cognito: "CognitoIdentityProviderClient", user_pool_id: str) -> None:
        """Take the user pool; its id is empty if another issuer has the users."""
        self._cognito = cognito
        self._user_pool_id = user_pool_id

    def ensure_admin(self, tenant_id: TenantId, email: str) -> None:
        """Make a tenant's first user, unless it exists.

        :raises BadRequest: another issuer has the users.
        :raises Conflict: the address belongs to a user of another tenant.
        :raises DependencyFailed: Cognito did not answer.
        """
        if not self._user_pool_id:
            raise _elsewhere()
        attributes = {
            "email": email,
            "email_verified": "true",
            "custom:tenant_id": tenant_id.value,
            "custom:role": Role.ADMIN.value,
        }
        try:
            self._cognito.admin_create_user(
                UserPoolId=self._user_pool_id,
                Username=email,
                UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
                DesiredDeliveryMediums=["EMAIL"],
            )
        except self._cognito.exceptions.UsernameExistsException:
            self._require_own(tenant_id, email)
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def require_free(self, tenant_id: TenantId, email: str) -> None:
        """Make sure, before anything is made, that a tenant's first user can have an address.

        :raises BadRequest: another issuer has the users.
        :raises Conflict: the address belongs to a user of another tenant.
        :raises DependencyFailed: Cognito did not answer.
        """
        if not self._user_pool_id:
            raise _elsewhere()
        self._require_own(tenant_id, email)

    def find(self, tenant_id: TenantId) -> list[str]:
        """List a tenant's users. Cognito can't search by a custom attribute, so this reads the whole pool.

        :raises DependencyFailed: Cognito did not answer.
        """
        if not self._user_pool_id:
            return []
        try:
            pages = self._cognito.get_paginator("list_users").paginate(UserPoolId=self._user_pool_id)
            return [user["Username"] for page in pages for user in page["Users"] if _tenant_of(user) == tenant_id.value]
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def hand_over(self, username: str, tenant_id: TenantId) -> None:
        """Sign a user out everywhere and make it a user of the given tenant.

        The sign-out comes first: if this is cut off in between, the user is still listed for its old tenant, and a
        repetition does both.

        :raises DependencyFailed: Cognito did not answer.
        """
        attribute = {"Name": "custom:tenant_id", "Value": tenant_id.value}
        try:
            self._cognito.admin_user_global_sign_out(UserPoolId=self._user_pool_id, Username=username)
            self._cognito.admin_update_user_attributes(
                UserPoolId=self._user_pool_id,
                Username=username,
                UserAttributes=[attribute],  # type: ignore[list-item]
            )
        except self._cognito.exceptions.UserNotFoundException:
            # The user was deleted since it was listed.
            return
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def delete(self, username: str) -> None:
        """Delete a user; a missing user counts as deleted.

        :raises DependencyFailed: Cognito did not answer.
        """
        try:
            self._cognito.admin_delete_user(UserPoolId=self._user_pool_id, Username=username)
        except self._cognito.exceptions.UserNotFoundException:
            return
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc

    def _require_own(self, tenant_id: TenantId, email: str) -> None:
        try:
            user = self._cognito.admin_get_user(UserPoolId=self._user_pool_id, Username=email)
        except self._cognito.exceptions.UserNotFoundException:
            return
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable() from exc
        attributes = {item["Name"]: item.get("Value") for item in user["UserAttributes"]}
        if attributes.get("custom:tenant_id") != tenant_id.value:
            raise Conflict(
                "That user exists and is not this tenant's.", code="user_exists", hint="Take another address."
            )


def _tenant_of(user: Any) -> str | None:
    attributes = {item["Name"]: item.get("Value") for item in user.get("Attributes", [])}
    return attributes.get("custom:tenant_id")


def _elsewhere() -> BadRequest:
    return BadRequest("The users are kept by another issuer.", code="users_elsewhere", hint="Make them there.")


def _unavailable() -> DependencyFailed:
    return DependencyFailed("The user directory did not answer.", code="users_unavailable")
