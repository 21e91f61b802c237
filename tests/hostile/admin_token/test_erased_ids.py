"""The users of a tenant that was erased, and whoever gets its id: nothing of the one is seen by the other."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenantry.access.authorization import Authorization, ClaimNames
from tenantry.aws.registry import Registry
from tenantry.domain.errors import Conflict, Unauthenticated
from tenantry.domain.operation import OperationStatus
from tenantry.domain.tenant import FormerId, Isolation, Tenant, TenantId, TenantStatus
from tenantry.relocation.clone_requests import CloneOrder
from tenantry.tenants.certificate import ErasureCertificate
from tenantry.tenants.certificate_store import CertificateStore
from tenantry.tenants.rename_requests import RenameRequests
from tenantry.tenants.retired_ids import require_not_retired
from tests.integration.conftest import TABLE, World
from tests.integration.homes.conftest import new_id, provision, remove
from tests.integration.restores.conftest import Vault
from tests.integration.tenants.adoption.conftest import Legacy
from tests.integration.tenants.test_administration import Operator, operator
from tests.integration.tenants.test_erasure import BUCKET, Stand, stand
from tests.integration.tenants.test_erasure import s3 as erasure_bucket

ARN = "arn:aws:execute-api:ap-south-1:123456789012:api/prod/GET/rest/v1/candidates"

__all__ = ["erasure_bucket", "operator", "stand"]


@pytest.fixture(scope="module")
def s3(erasure_bucket: Any) -> Any:
    return erasure_bucket


def erase(stand: Stand) -> TenantId:
    """Erase a tenant one of whose backups is held."""
    held = stand.keys[2]
    stand.s3.put_object_legal_hold(Bucket=BUCKET, Key=held, LegalHold={"Status": "ON"})
    operation = stand.perform()
    assert operation.status is OperationStatus.SUCCEEDED
    assert held in stand.versions()
    stand.s3.put_object_legal_hold(Bucket=BUCKET, Key=held, LegalHold={"Status": "OFF"})
    return stand.tenant_id


def test_an_erased_id_is_never_given_again(operator: Operator, stand: Stand, legacy: Legacy) -> None:
    """A tenant with a held backup is erased, and its id wanted for another customer: refused, whoever asks and how."""
    erased = erase(stand)
    for _ in range(2):
        reply = operator.create(erased.value)
        assert (reply.status, reply.json["code"]) == (409, "tenant_id_retired")
    place = {"host": legacy.world.server.host, "port": legacy.world.server.port, "database": legacy.name}
    secret = place | {"user": legacy.user, "password": legacy.request().password}
    body = {"server_id": "first", "secret": secret}
    reply = operator.call("POST", f"/admin/v1/tenants/{erased}/adopt", body)
    assert (reply.status, reply.json["code"]) == (409, "tenant_id_retired")
    assert stand.world.registry.tenant(erased) is None
    assert stand.left_on_server() == []
    assert stand.world.secrets.find(erased) is None


def test_no_other_way_leads_to_an_erased_id(vault: Vault) -> None:
    """A clone, a restore into and a rename want an erased id: refused."""
    registry, erased = vault.world.registry, new_id("e")
    tenant_id = vault.add()
    registry.put_erased_id(erased, datetime.now(UTC))
    renames = RenameRequests(registry, vault.world.secrets, vault.servers, vault.leases, vault.operations)
    calls: tuple[Callable[[], object], ...] = (
        lambda: vault.clones.start(CloneOrder(tenant_id, erased), "op-1"),
        lambda: renames.start(tenant_id, erased, "op-1"),
    )
    for call in calls:
        with pytest.raises(Conflict) as refusal:
            call()
        assert refusal.value.code == "tenant_id_retired"
        assert registry.tenant(erased) is None


@pytest.fixture
def before_tombstones(world: World) -> Iterator[TenantId]:
    """An id that was erased when there were only certificates."""
    erased = new_id("e")
    certificate = ErasureCertificate(erased.value, "01JBXKQ5S0", "op-1", "then", "then", {}, {}, [])
    CertificateStore(world.registry._dynamodb, TABLE).put(certificate.signed())
    yield erased
    remove(world, erased)


def test_a_certificate_keeps_an_id_too(world: World, before_tombstones: TenantId) -> None:
    """The id was erased before there were tombstones: its certificate keeps it, and no id that begins likewise."""
    with pytest.raises(Conflict) as refusal:
        require_not_retired(world.registry, before_tombstones)
    assert refusal.value.code == "tenant_id_retired"
    require_not_retired(world.registry, TenantId(f"{before_tombstones}-prod"))
    # It was given again before: the tenant that has it goes on.
    provision(world, before_tombstones)
    require_not_retired(world.registry, before_tombstones)


class Verifier:
    """Stands for a verified token with these claims."""

    def __init__(self, **claims: Any) -> None:
        self._claims = claims

    def verify(self, _: str) -> dict[str, Any]:
        return {"sub": "someone", "role": "viewer", **self._claims}


def authorize(registry: Registry, tenant_id: TenantId, **claims: Any) -> dict[str, Any]:
    verifier: Any = Verifier(tenant=tenant_id.value, **claims)
    answer = Authorization(verifier, registry, ClaimNames("tenant", "role")).authorize("token", ARN)
    context: dict[str, Any] = answer["context"]
    return context


def test_a_token_from_before_its_tenant_began_is_refused(world: World) -> None:
    """A user of an earlier tenant of that id shows a token that has not expired: refused, whatever the role."""
    tenant_id = new_id("k")
    try:
        provision(world, tenant_id)
        now = time.time()
        for issued_at in (now - 3600, now - 60, 0, None, "yesterday", True):
            for role in ("viewer", "editor", "admin"):
                with pytest.raises(Unauthenticated):
                    authorize(world.registry, tenant_id, iat=issued_at, role=role)
        with pytest.raises(Unauthenticated):
            authorize(world.registry, tenant_id)
        # Whole seconds, and a clock that is a little behind.
        for issued_at in (int(now) - 1, now, int(now) + 20):
            assert authorize(world.registry, tenant_id, iat=issued_at)["tenantId"] == tenant_id.value
    finally:
        remove(world, tenant_id)


def test_a_tenants_beginning_stays(world: World) -> None:
    """The call that made a tenant is repeated, it is suspended, condemned and spared: older tokens stay good."""
    tenant_id = new_id("k")
    try:
        provision(world, tenant_id)
        began = known(world, tenant_id).known_since
        assert began
        assert datetime.now(UTC) - began < timedelta(minutes=1)
        provision(world, tenant_id)
        assert known(world, tenant_id).known_since == began
    finally:
        remove(world, tenant_id)


def test_a_tenant_of_before_takes_every_token(world: World) -> None:
    """Nobody knows when a tenant began that is older than this: its users go on, also by an id that it was given."""
    tenant_id = new_id("k")
    world.registry.put_tenant(Tenant(tenant_id, TenantStatus.ACTIVE, Isolation.DATABASE, "local", usage_key="key"))
    try:
        assert authorize(world.registry, tenant_id, iat=1)["tenantStatus"] == "active"
        former = new_id("f")
        world.registry.put_former_id(FormerId(former, tenant_id, datetime.now(UTC)))
        assert authorize(world.registry, former, iat=time.time())["tenantStatus"] == "renamed"
    finally:
        world.registry.delete_tenant(tenant_id)


def known(world: World, tenant_id: TenantId) -> Tenant:
    found = world.registry.tenant(tenant_id)
    assert found
    return found
