"""The stack's file."""

from pathlib import Path
from stat import S_IMODE

import pytest
from pydantic import ValidationError

from local.errors import NotRunning
from local.stack_file import Operator, StackFile, StackServer, StackTenant, User

_STACK = StackFile(
    api_url="http://127.0.0.1:4566/_aws/execute-api/a/local",
    console_url="http://127.0.0.1:8400",
    aws_endpoint_url="http://127.0.0.1:4566",
    region="ap-south-1",
    stack_name="tenantry-local",
    user_pool_id="pool",
    client_id="client",
    backup_bucket="bucket",
    registry_table="table",
    servers=[
        StackServer(
            id="ap-south-1",
            region="ap-south-1",
            host="127.0.0.1",
            port=5433,
            admin_user="tenantry_admin",
            admin_password="secret",
        )
    ],
    tenants=[
        StackTenant(
            tenant_id="mycompany",
            isolation="database",
            server_id="ap-south-1",
            users=[User(username="admin@mycompany.example.com", password="p1", role="admin")],
        )
    ],
    operator=Operator(username="operator@example.com", password="p2"),
)


def test_it_survives_writing_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    path.write_text("older")
    _STACK.write(path)
    assert StackFile.read(path) == _STACK
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_it_knows_the_operators_password_too() -> None:
    assert _STACK.passwords == {"admin@mycompany.example.com": "p1", "operator@example.com": "p2"}


def test_without_a_file_the_stack_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="make up"):
        StackFile.read(tmp_path / "stack.json")


def test_other_fields_are_refused() -> None:
    with pytest.raises(ValidationError):
        StackFile.model_validate({**_STACK.model_dump(), "secret_key": "x"})
