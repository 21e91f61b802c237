"""The demo users in the stack's Cognito user pool."""

import secrets
from collections.abc import Mapping
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from local.errors import LocalStackError
from local.stack_file import Operator, RoleName, StackFile, User

_ROLES: tuple[RoleName, ...] = ("admin", "editor", "viewer")


def create_users(cognito: Any, pool: str, tenant_id: str) -> list[User]:
    """Create an admin, an editor and a viewer of a tenant, such as `viewer@mycompany.example.com`."""
    users = [User(username=f"{role}@{tenant_id}.example.com", password=_new_password(), role=role) for role in _ROLES]
    for user in users:
        claims = {"custom:tenant_id": tenant_id, "custom:role": user.role}
        _create_user(cognito, pool, user.username, user.password, claims)
    return users


def create_operator(cognito: Any, pool: str) -> Operator:
    """Create the platform's operator, who belongs to no tenant."""
    operator = Operator(username="operator@example.com", password=_new_password())
    _create_user(cognito, pool, operator.username, operator.password, {"custom:role": "operator"})
    return operator


def sign_in(stack: StackFile, username: str) -> str:
    """Sign a user in as a browser does; returns the id token. :raises LocalStackError: there is no such user."""
    if username not in stack.passwords:
        raise LocalStackError(f"There is no user {username!r}. There are: {', '.join(stack.passwords)}")
    cognito = boto3.client(
        "cognito-idp",
        endpoint_url=stack.aws_endpoint_url,
        region_name=stack.region,
        config=Config(signature_version=UNSIGNED),
    )
    answer = cognito.initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=stack.client_id,
        AuthParameters={"USERNAME": username, "PASSWORD": stack.password_of(username)},
    )
    return str(answer["AuthenticationResult"]["IdToken"])


def _create_user(cognito: Any, pool: str, username: str, password: str, claims: Mapping[str, str]) -> None:
    attributes = {"email": username, "email_verified": "true", **claims}
    cognito.admin_create_user(
        UserPoolId=pool,
        Username=username,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
    )
    cognito.admin_set_user_password(UserPoolId=pool, Username=username, Password=password, Permanent=True)


def _new_password() -> str:
    # The suffix has one of each kind of character that the pool's policy requires.
    return secrets.token_urlsafe(15) + "-aA1"
