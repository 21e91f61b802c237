"""A client of the running stack: signs in as a browser does, and sends requests."""

import json
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from local.accounts import create_users, sign_in
from local.aws_server import local_client
from local.stack_file import StackFile, StackServer, User


@contextmanager
def open_database(server: StackServer, name: str) -> Iterator[Connection]:
    """Connect to a database as its server's superuser."""
    with closing(
        psycopg2.connect(
            host=server.host, port=server.port, user=server.admin_user, password=server.admin_password, dbname=name
        )
    ) as connection:
        connection.autocommit = True
        yield connection


@dataclass
class Api:
    """The stack's API, AWS and servers, for the tests."""

    stack: StackFile
    http: httpx.Client
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, tenant_id: str, role: str = "editor") -> str:
        return self.token_of(f"{role}@{tenant_id}.example.com")

    def token_of(self, username: str) -> str:
        if username not in self.tokens:
            self.tokens[username] = sign_in(self.stack, username)
        return self.tokens[username]

    def call(self, method: str, path: str, token: str | None = None, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        return self.http.request(method, f"{self.stack.api_url}{path}", headers=headers, **options)

    def aws(self, service: str, **keys: str) -> Any:
        return local_client(service, self.stack.aws_endpoint_url, **keys)

    def as_role(self, role_arn: str, **session: Any) -> dict[str, str]:
        """Return a role's session keys, in the form that `aws` takes; the account's root may assume any role."""
        answer = self.aws("sts").assume_role(RoleArn=role_arn, RoleSessionName="test", **session)["Credentials"]
        return {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }

    def resource(self, logical_id: str) -> str:
        found = self.aws("cloudformation").describe_stack_resource(
            StackName=self.stack.stack_name, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def role_of(self, function: str) -> str:
        configuration = self.aws("lambda").get_function_configuration(FunctionName=self.resource(function))
        return str(configuration["Role"])

    @contextmanager
    def database(self, tenant_id: str) -> Iterator[Connection]:
        """Connect to the tenant's database as its server's superuser, past all code under test."""
        with open_database(self.server_of(tenant_id), tenant_id) as connection:
            yield connection

    def server_of(self, tenant_id: str) -> StackServer:
        tenant = next(tenant for tenant in self.stack.tenants if tenant.tenant_id == tenant_id)
        return next(server for server in self.stack.servers if server.id == tenant.server_id)

    def names(self, tenant_id: str) -> list[str]:
        """Read the names of a tenant's candidates from its database."""
        with self.database(tenant_id) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT name FROM candidates ORDER BY name")
            return [name for (name,) in cursor.fetchall()]

    @contextmanager
    def registered(self, status: str) -> Iterator[tuple[str, str]]:
        """A tenant of that status in the registry (`absent`: no entry) with users and no credentials; (id, token)."""
        tenant_id = f"t{uuid.uuid4().hex[:10]}"
        dynamodb, key = self.aws("dynamodb"), {"pk": {"S": "TENANT"}, "sk": {"S": tenant_id}}
        if status != "absent":
            fields = {"status": status, "isolation": "database", "server_id": "ap-south-1", "usage_key": tenant_id}
            item = key | {name: {"S": value} for name, value in fields.items()}
            dynamodb.put_item(TableName=self.stack.registry_table, Item=item)
        users = create_users(self.aws("cognito-idp"), self.stack.user_pool_id, tenant_id)
        try:
            yield tenant_id, self._sign_in(users[1])
        finally:
            dynamodb.delete_item(TableName=self.stack.registry_table, Key=key)
            for user in users:
                self.aws("cognito-idp").admin_delete_user(UserPoolId=self.stack.user_pool_id, Username=user.username)

    def _sign_in(self, user: User) -> str:
        answer = self.http.post(
            self.stack.aws_endpoint_url,
            headers={
                "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
                "Content-Type": "application/x-amz-json-1.1",
            },
            content=json.dumps(
                {
                    "AuthFlow": "USER_PASSWORD_AUTH",
                    "ClientId": self.stack.client_id,
                    "AuthParameters": {"USERNAME": user.username, "PASSWORD": user.password},
                }
            ),
        )
        return str(answer.json()["AuthenticationResult"]["IdToken"])
