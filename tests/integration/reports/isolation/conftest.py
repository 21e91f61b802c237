"""The isolation audit, and a server of its own."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.reports.isolation.audit import IsolationAudit
from tenantry.reports.isolation.findings import Hole, IsolationReport
from tenantry.reports.isolation.probe import DatedSecrets
from tenantry.reports.isolation.sampling import Sample, sample_for
from tests.integration.conftest import REGION, STAGE, World
from tests.postgres import temporary_postgres

SERVER = "local"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own: on a shared one, the passing states of other tests would be findings."""
    with temporary_postgres("for the audit") as server:
        yield server


@pytest.fixture(scope="module")
def administrators(world: World) -> ServerSecrets:
    """The server, registered."""
    server, store = world.server, ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
    world.registry.put_server(Server(SERVER, REGION, server.host, server.port, sslmode="disable"))
    login = Credentials(server.host, server.port, "postgres", server.admin_user, server.admin_password, "disable")
    store.write(SERVER, login)
    return store


type Audit = Callable[..., IsolationReport]


@pytest.fixture
def audit(world: World, administrators: ServerSecrets) -> Audit:
    def run(
        max_age: timedelta = timedelta(days=1), deadline: float | None = None, each: int | None = None
    ) -> IsolationReport:
        """Make a report. Of what the catalogues rule out a tenant tries `each`; by default all, in a small fleet."""
        secrets = DatedSecrets(aws_client("secretsmanager", REGION), STAGE)
        choose = sample_for if each is None else lambda _, seed: Sample(seed, each)
        return IsolationAudit(world.registry, secrets, administrators, max_age, choose).run(deadline)

    return run


def holes(report: IsolationReport) -> set[tuple[Hole, str, str]]:
    return {(finding.what, finding.tenant, finding.other) for finding in report.findings}
