"""What docs/operations.md says of the account around a stack: a registry that is copied back, and an uninstalling."""

import os
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.aws_cli import install
from tests.e2e.api import Api
from tests.e2e.guide import commands, run, section

pytestmark = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("jq")), reason="needs bash and jq")


@dataclass
class Remains:
    """What a stack of the local AWS has left behind, under a stage of this test's own."""

    api: Api
    directory: Path
    stage: str
    pool: str

    @property
    def name(self) -> str:
        """The name of its bucket, table and function."""
        return f"tenantry-{self.stage}"

    def run(self, script: str, **names: str) -> str:
        """Run commands of the guide against the local AWS."""
        stack = self.api.stack
        return run(
            f"set -euo pipefail\n{script}",
            self.directory,
            **names,
            AWS_ENDPOINT_URL=stack.aws_endpoint_url,
            AWS_DEFAULT_REGION=stack.region,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            PATH=os.pathsep.join([str(self.directory / "bin"), os.environ["PATH"]]),
            PYTHONPATH=os.pathsep.join([str(Path.cwd()), str(Path("functions").absolute())]),
        )

    def put(self, pk: str, sk: str, **fields: str) -> None:
        """Write an item of its registry."""
        item = {name: {"S": value} for name, value in {"pk": pk, "sk": sk, **fields}.items()}
        self.api.aws("dynamodb").put_item(TableName=self.name, Item=item)

    def left(self) -> dict[str, Any]:
        """What is there under its names."""
        aws, pages = self.api.aws, self._pages
        return {
            "bucket": [b["Name"] for b in aws("s3").list_buckets()["Buckets"] if b["Name"] == self.name],
            "tables": [name for name in pages("dynamodb", "list_tables") if name.startswith(self.name)],
            "pools": [p["Id"] for p in pages("cognito-idp", "list_user_pools", MaxResults=60) if p["Id"] == self.pool],
            "secrets": self._named("secretsmanager", "list_secrets", "Name", f"tenantry/{self.stage}"),
            "keys": self._named("apigateway", "get_api_keys", "name", self.name),
            "schedules": self._named("scheduler", "list_schedules", "Name", self.name),
        }

    def _named(self, service: str, operation: str, key: str, prefix: str) -> list[str]:
        return sorted(one[key] for one in self._pages(service, operation) if one[key].startswith(prefix))

    def _pages(self, service: str, operation: str, **parameters: Any) -> list[Any]:
        paginator = self.api.aws(service).get_paginator(operation)
        (found,) = (
            value for value in paginator.paginate(**parameters).build_full_result().values() if isinstance(value, list)
        )
        return list(found)


@pytest.fixture
def remains(api: Api, tmp_path: Path) -> Iterator[Remains]:
    install(tmp_path / "bin")
    stage = f"bye{uuid.uuid4().hex[:8]}"
    pool = api.aws("cognito-idp").create_user_pool(PoolName=stage)["UserPool"]["Id"]
    made = Remains(api, tmp_path, stage, pool)
    api.aws("dynamodb").create_table(
        TableName=made.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    try:
        yield made
    finally:
        left = made.left()
        for table in left["tables"]:
            api.aws("dynamodb").delete_table(TableName=table)
        for one in left["pools"]:
            api.aws("cognito-idp").delete_user_pool(UserPoolId=one)


def leave_behind(made: Remains) -> None:
    """Make what a stack leaves behind, and its neighbour's keys and secrets, whose stage begins alike."""
    aws, neighbour = made.api.aws, f"{made.stage}-eu"
    s3 = aws("s3")
    s3.create_bucket(Bucket=made.name, CreateBucketConfiguration={"LocationConstraint": made.api.stack.region})
    s3.put_bucket_versioning(Bucket=made.name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        s3.put_object(Bucket=made.name, Key="tenants/acme/manifest.json", Body=body)
    s3.delete_object(Bucket=made.name, Key="tenants/acme/manifest.json")
    for stage in (made.stage, neighbour):
        aws("secretsmanager").create_secret(Name=f"tenantry/{stage}/tenants/acme", SecretString="{}")
        aws("apigateway").create_api_key(name=f"tenantry-{stage}-acme", tags={"Stage": stage})
        function = f"arn:aws:lambda:{made.api.stack.region}:000000000000:function:tenantry-{stage}"
        aws("scheduler").create_schedule(
            Name=f"tenantry-{stage}-01J",
            ScheduleExpression="at(2099-01-01T00:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": function, "RoleArn": "arn:aws:iam::000000000000:role/timer"},
        )


def forget_neighbour(made: Remains) -> None:
    aws, neighbour = made.api.aws, f"{made.stage}-eu"
    aws("secretsmanager").delete_secret(SecretId=f"tenantry/{neighbour}/tenants/acme", ForceDeleteWithoutRecovery=True)
    aws("scheduler").delete_schedule(Name=f"tenantry-{neighbour}-01J")
    for key in aws("apigateway").get_api_keys(nameQuery=f"tenantry-{neighbour}", limit=500)["items"]:
        if key["name"].startswith(f"tenantry-{neighbour}"):
            aws("apigateway").delete_api_key(apiKey=key["id"])


def test_an_uninstalled_stack_leaves_nothing_and_its_neighbour_alone(remains: Remains) -> None:
    leave_behind(remains)
    script = commands(section("### Uninstall"), elsewhere=("delete-stack",))
    remains.run(
        script,
        STAGE=remains.stage,
        STACK=remains.name,
        BUCKET=remains.name,
        TABLE=remains.name,
        POOL=remains.pool,
        PERFORM_OPERATION=remains.name,
    )

    neighbour = f"{remains.stage}-eu"
    try:
        assert remains.left() == {
            "bucket": [],
            "tables": [],
            "pools": [],
            "secrets": [f"tenantry/{neighbour}/tenants/acme"],
            "keys": [f"tenantry-{neighbour}-acme"],
            "schedules": [f"tenantry-{neighbour}-01J"],
        }
    finally:
        forget_neighbour(remains)


def test_a_registry_that_was_restored_is_copied_back(remains: Remains) -> None:
    remains.put("TENANT", "acme", status="active")
    script = commands(section("### When the registry is lost"), elsewhere=("aws s3 ",))
    make, wait, copy = script.partition("aws dynamodb wait")
    clean = {'TABLE="$(output RegistryTableName)"\n': "", "PYTHONPATH=functions .venv/bin/python": sys.executable}
    for guide, own in clean.items():
        assert guide in script
        make, copy = make.replace(guide, own), copy.replace(guide, own)
    names: Mapping[str, str] = {"TABLE": remains.name, "BEFORE": "2026-12-01T06:00:00Z"}
    remains.run(make, **names)
    # What is to be taken back.
    acme = {"pk": {"S": "TENANT"}, "sk": {"S": "acme"}}
    remains.api.aws("dynamodb").delete_item(TableName=remains.name, Key=acme)
    remains.put("TENANT", "younger", status="active")
    told = remains.run(wait + copy, **names)

    assert told.count("       1 missing\n           TENANT acme\n") == 2
    items = remains.api.aws("dynamodb").scan(TableName=remains.name)["Items"]
    assert sorted(item["sk"]["S"] for item in items) == ["acme", "younger"]
    assert remains.left()["tables"] == [remains.name]
