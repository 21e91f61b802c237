"""An erasure deletes all of a tenant and nothing else, wherever it is cut off, and leaves a certificate."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.backups.retention.removal import BackupRemoval
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict, DependencyFailed
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId, TenantStatus
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Performer, Step
from tenantry.servers.servers import Servers
from tenantry.tenants.certificate import verify
from tenantry.tenants.certificate_store import CertificateStore
from tenantry.tenants.erasure import KIND, Erasure
from tenantry.tenants.provisioning import TenantRequest, provision_tenant
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory
from tests.integration.conftest import REGION, STAGE, TABLE, World

BUCKET = "erased"
STEPS = ["find", "drop_database", "drop_roles", "delete_backups", "delete_users", "delete_usage_key", "delete_secret"]
STEPS += ["certify"]


class Stand:
    """A tenant to be erased, and the code that erases it."""

    def __init__(self, world: World, s3: Any) -> None:
        self.world, self.s3 = world, s3
        dynamodb = aws_client("dynamodb", REGION)
        administrators = ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
        administrators.write("erasing", administrator(world.server))
        server = Server("erasing", REGION, world.server.host, world.server.port, sslmode="disable")
        world.registry.put_server(server)
        self.store, self.certificates = OperationStore(dynamodb, TABLE), CertificateStore(dynamodb, TABLE)
        self.leases = Leases(dynamodb, TABLE)
        self.servers = Servers(world.registry, administrators)
        users = UserDirectory(None, "")  # type: ignore[arg-type]
        self.usage_plans = UsagePlans(aws_client("apigateway", REGION), STAGE)
        self.erasure = Erasure(
            world.registry,
            self.servers,
            world.secrets,
            BackupRemoval(s3, BUCKET),
            users,
            self.certificates,
            self.usage_plans,
        )
        self.tenant_id = TenantId(f"x{uuid.uuid4().hex[:10]}")
        self.usage_plans.ensure(self.tenant_id, "standard")
        provision_tenant(
            TenantRequest(self.tenant_id),
            server=server,
            admin=self.servers.admin("erasing"),
            secret_store=world.secrets,
            registry=world.registry,
        )
        self.condemn()
        self.keys = [f"tenants/{self.tenant_id}/backups/{n}/dump.zst" for n in range(3)]
        self.neighbour = f"tenants/{self.tenant_id}-prod/backups/1/dump.zst"
        for key in [*self.keys, self.keys[0], self.neighbour]:
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"12345")
        s3.delete_object(Bucket=BUCKET, Key=self.keys[1])
        self.operation = Operation(
            "01JBXKQ5S0" + uuid.uuid4().hex[:16], KIND, f"tenant/{self.tenant_id}", "op-1", now()
        )
        self.store.put(self.operation)

    def condemn(self) -> None:
        tenant = self.world.registry.tenant(self.tenant_id)
        assert tenant is not None
        self.world.registry.put_tenant(replace(tenant, status=TenantStatus.ERASING))

    def perform(self, cut_at: str = "") -> Operation:
        def cut(_: Operation) -> None:
            raise DependencyFailed(code="cut")

        def run_and_cut(step: Step) -> Any:
            def run(operation: Operation) -> None:
                step.run(operation)
                raise DependencyFailed(code="cut")

            return run

        steps = [
            step._replace(run=run_and_cut(step)) if cut_at == f"after {step.name}" else step
            for step in self.erasure.steps()
        ]
        return Performer(self.store, self.leases, {KIND: steps}).perform(self.operation.operation_id)

    def versions(self) -> list[str]:
        answer = self.s3.list_object_versions(Bucket=BUCKET, Prefix=f"tenants/{self.tenant_id}")
        return [item["Key"] for item in [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]]

    def left_on_server(self) -> list[str]:
        rows = self.world.execute(
            f"""SELECT datname FROM pg_database WHERE datname = '{self.tenant_id}'
                UNION ALL SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{self.tenant_id}_')"""
        )
        return [name for (name,) in rows]

    def assert_gone(self) -> None:
        assert self.left_on_server() == []
        assert self.versions() == [self.neighbour]
        assert self.world.secrets.find(self.tenant_id) is None
        assert not self.usage_plans.exists(self.tenant_id)
        assert self.world.registry.tenant(self.tenant_id) is None


def now() -> datetime:
    return datetime.now(UTC)


def administrator(server: PostgresServer) -> Credentials:
    return Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable")


@pytest.fixture(scope="module")
def s3(world: World) -> Any:
    client = aws_client("s3", REGION)
    lock = {"LocationConstraint": REGION}
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=lock, ObjectLockEnabledForBucket=True)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture
def stand(world: World, s3: Any) -> Iterator[Stand]:
    made = Stand(world, s3)
    yield made
    name = made.tenant_id
    world.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    for suffix in ("dump", "count", "login_a", "login_b", "viewer", "editor", "owner"):
        world.execute(f'DROP ROLE IF EXISTS "{name}_{suffix}"')


def test_everything_of_a_tenant_goes_and_the_certificate_says_so(stand: Stand) -> None:
    operation = stand.perform()
    assert (operation.status, list(operation.done)) == (OperationStatus.SUCCEEDED, STEPS)
    stand.assert_gone()
    (certificate,) = stand.certificates.of(stand.tenant_id)
    assert verify(certificate)
    assert certificate["requested_by"] == "op-1"
    assert certificate["found"]["backup_versions"] == certificate["deleted"]["backup_versions"] == 5
    assert certificate["found"]["database_bytes"] > 0
    assert certificate["deleted"]["database"] == str(stand.tenant_id)
    assert f"{stand.tenant_id}_owner" in certificate["deleted"]["roles"]
    assert certificate["remains"] == []
    assert not verify(certificate | {"remains": [{"what": "x", "why": "y"}]})


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_dies_after_a_step_is_followed_by_one_that_finishes(stand: Stand, step: str) -> None:
    with pytest.raises(DependencyFailed):
        stand.perform(cut_at=f"after {step}")
    failed = stand.store.get(stand.operation.operation_id)
    assert failed is not None
    assert (failed.status, failed.error) == (OperationStatus.FAILED, "cut")
    assert step not in failed.done
    assert stand.perform().status is OperationStatus.SUCCEEDED
    stand.assert_gone()
    certificates = list(stand.certificates.of(stand.tenant_id))
    assert len(certificates) == 1
    assert verify(certificates[0])


def test_a_role_that_is_not_ours_stays(stand: Stand) -> None:
    own = f"{stand.tenant_id}_app"
    stand.world.execute(f'CREATE ROLE "{own}" LOGIN')
    try:
        certificate = stand.perform().facts["certificate"]
        assert own in stand.left_on_server()
        assert own not in certificate["deleted"]["roles"]
        assert len(certificate["deleted"]["roles"]) == 5
    finally:
        stand.world.execute(f'DROP ROLE "{own}"')


def test_performing_twice_changes_nothing_more(stand: Stand) -> None:
    first = stand.perform()
    assert stand.perform() == first


def test_what_is_under_a_legal_hold_stays_and_is_told(stand: Stand) -> None:
    held = stand.keys[2]
    stand.s3.put_object_legal_hold(Bucket=BUCKET, Key=held, LegalHold={"Status": "ON"})
    try:
        operation = stand.perform()
        assert operation.status is OperationStatus.SUCCEEDED
        (remains,) = operation.facts["certificate"]["remains"]
        assert remains["what"] == held
        assert held in stand.versions()
    finally:
        stand.s3.put_object_legal_hold(Bucket=BUCKET, Key=held, LegalHold={"Status": "OFF"})


def test_a_tenant_that_was_kept_is_not_erased(stand: Stand) -> None:
    tenant = stand.world.registry.tenant(stand.tenant_id)
    assert tenant is not None
    stand.world.registry.put_tenant(replace(tenant, status=TenantStatus.SUSPENDED))
    with pytest.raises(Conflict) as refusal:
        stand.perform()
    assert refusal.value.code == "not_erasing"
    assert str(stand.tenant_id) in stand.left_on_server()
    assert len(stand.versions()) == 6
    stand.condemn()


def test_two_workers_do_not_erase_at_once(stand: Stand) -> None:
    with stand.leases.hold("tenant", str(stand.tenant_id)), pytest.raises(Conflict) as refusal:
        stand.perform()
    assert refusal.value.code == "operation_in_progress"
    assert stand.perform().status is OperationStatus.SUCCEEDED
