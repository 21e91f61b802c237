"""What a tenant keeps on a server that it has left, until a move is confirmed or it is erased, is no hole."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.tenant import Isolation, LeftBehind
from tenantry.reports.isolation.audit import IsolationAudit
from tenantry.reports.isolation.findings import Hole, IsolationReport
from tenantry.reports.isolation.probe import DatedSecrets
from tests.integration.conftest import REGION, STAGE, World
from tests.integration.relocation.conftest import Yard
from tests.postgres import temporary_postgres


@pytest.fixture
def yard(world: World) -> Iterator[Yard]:
    """Two servers of the test's own."""
    with temporary_postgres("for the audit of those that moved") as there:
        made = Yard(world, there)
        for tenant_id in world.tenants:
            world.registry.put_tenant(replace(made.tenant(tenant_id), server_id="here"))
        try:
            yield made
        finally:
            made.drop()


def audit(yard: Yard) -> IsolationReport:
    client = aws_client("secretsmanager", REGION)
    secrets, administrators = DatedSecrets(client, STAGE), ServerSecrets(client, STAGE)
    return IsolationAudit(yard.world.registry, secrets, administrators, timedelta(days=1)).run()


def test_who_has_moved_and_may_return_is_no_stranger(yard: Yard) -> None:
    """In each model, beside others who live where it has lived."""
    neighbours = [yard.add(isolation) for isolation in Isolation]
    moved = [yard.add(isolation) for isolation in Isolation]
    for tenant_id in moved:
        yard.perform_well(yard.relocations.move(tenant_id, "there", "op-1"))
    report = audit(yard)
    assert (report.findings, report.unchecked) == ([], [])
    # So after the loss of a server that is registered again: what is left there is the tenant's.
    for tenant_id in moved:
        tenant = yard.tenant(tenant_id)
        assert tenant.former_home
        left = (LeftBehind(tenant_id, tenant.former_home),)
        yard.world.registry.put_tenant(replace(tenant, former_home=None, left_behind=left))
    report = audit(yard)
    assert (report.findings, report.unchecked) == ([], [])
    # But what was never meant to be there is found there, too.
    yard.execute("here", f'GRANT "{neighbours[0]}_viewer" TO "{moved[0]}_login_a"')
    yard.execute("here", f'ALTER ROLE "{moved[1]}_dump" CREATEROLE')
    yard.execute("here", f'GRANT USAGE ON SCHEMA "{neighbours[1]}" TO "{moved[1]}_viewer"', "tenantry_schemas")
    found = {(finding.what, finding.server, finding.tenant) for finding in audit(yard).findings}
    assert (Hole.FOREIGN_MEMBERSHIP, "here", moved[0].value) in found
    assert (Hole.ROLE_ATTRIBUTE, "here", moved[1].value) in found
    assert (Hole.FOREIGN_GRANT, "here", moved[1].value) in found
    yard.execute("here", f'REVOKE "{neighbours[0]}_viewer" FROM "{moved[0]}_login_a"')
