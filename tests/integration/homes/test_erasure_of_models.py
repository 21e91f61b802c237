"""An erasure removes a home of any model, and the one kept for an undo, and nothing of a neighbour's."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from handlers import query_tenant
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.backups.retention.removal import BackupRemoval
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import DependencyFailed
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.server import Server
from tenantry.domain.tenant import Isolation, TenantId, TenantStatus, new_home
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore
from tenantry.operations.operations import Performer, Step
from tenantry.servers.servers import Servers
from tenantry.tenants.certificate_store import CertificateStore
from tenantry.tenants.erasure import KIND, Erasure
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory
from tests.integration.conftest import REGION, STAGE, TABLE, World
from tests.integration.homes.conftest import MODELS, candidate, home, provision
from tests.integration.homes.test_removal import dependencies

type Fleet = dict[Isolation, list[TenantId]]
BUCKET = "erased-models"
PROMOTIONS = [(model, former) for model in MODELS for former in (None, *MODELS) if former is not model]


@pytest.fixture(scope="module")
def erasure(world: World) -> Erasure:
    s3, administrators = aws_client("s3", REGION), ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    server = world.server
    world.registry.put_server(Server("local", REGION, server.host, server.port, sslmode="disable"))
    login = Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable")
    administrators.write("local", login)
    return Erasure(
        world.registry,
        Servers(world.registry, administrators),
        world.secrets,
        BackupRemoval(s3, BUCKET),
        UserDirectory(None, ""),  # type: ignore[arg-type]
        CertificateStore(aws_client("dynamodb", REGION), TABLE),
        UsagePlans(aws_client("apigateway", REGION), STAGE),
    )


def perform(world: World, erasure: Erasure, tenant_id: TenantId) -> Operation:
    """Erase; the worker dies after each step that touches the server, and another one continues."""
    dynamodb, died = aws_client("dynamodb", REGION), set()

    def dying(step: Step) -> Step:
        def run(operation: Operation) -> object:
            done = step.run(operation)
            if step.name in {"find", "drop_database", "drop_roles"} and step.name not in died:
                died.add(step.name)
                raise DependencyFailed(code="cut")
            return done

        return step._replace(run=run)  # type: ignore[arg-type]

    store, leases = OperationStore(dynamodb, TABLE), Leases(dynamodb, TABLE)
    name = "01JBXKQ5S0" + uuid.uuid4().hex[:16]
    store.put(Operation(name, KIND, f"tenant/{tenant_id}", "op-1", datetime.now(UTC)))
    performer = Performer(store, leases, {KIND: [dying(step) for step in erasure.steps()]})
    for _ in range(3):
        with pytest.raises(DependencyFailed):
            performer.perform(name)
    return performer.perform(name)


@pytest.mark.parametrize(("model", "former"), PROMOTIONS)
def test_a_home_goes_with_the_one_before_it(
    world: World, fleet: Fleet, erasure: Erasure, tenant_id: TenantId, model: Isolation, former: Isolation | None
) -> None:
    neighbours = [tenant for pair in fleet.values() for tenant in pair]
    before = [world.call(neighbour).json for neighbour in neighbours]
    provision(world, tenant_id, model)
    assert world.call(tenant_id, "POST", body=candidate("Ada")).status == 201
    tenant = world.registry.tenant(tenant_id)
    assert tenant
    if former:
        tenant = replace(tenant, former_home=new_home(tenant_id, "local", former))
        home_before = erasure._servers.home(tenant_id, new_home(tenant_id, "local", former))
        home_before.make()
        home_before.close()
    world.registry.put_tenant(replace(tenant, status=TenantStatus.ERASING))
    query_tenant._data_requests()._connections.close()
    operation = perform(world, erasure, tenant_id)
    assert operation.status is OperationStatus.SUCCEEDED
    certificate = operation.facts["certificate"]
    assert certificate["found"]["isolation"] == model.value
    assert certificate["found"]["database_bytes"] > 0
    name = {"database": "database", "schema": "schema", "pooled": "rows_of"}
    assert name[model.value] in certificate["deleted"]
    if former:
        assert certificate["found"]["former_home"]["isolation"] == former.value
        assert list(certificate["deleted"]["former_home"]) == [name[former.value]]
    assert dependencies(world, tenant_id) == []
    assert world.execute(f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{tenant_id}_')") == []
    for database in ("tenantry_pool", "tenantry_schemas"):
        ((left,),) = world.execute(f"SELECT to_regnamespace('\"{tenant_id}\"') IS NOT NULL", database)
        assert not left
    assert world.execute(f"SELECT 1 FROM candidates WHERE tenant_id = '{tenant_id}'", "tenantry_pool") == []
    assert [world.call(neighbour).json for neighbour in neighbours] == before
    assert home(world, neighbours[0]).size()
