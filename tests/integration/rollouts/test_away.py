"""Servers that do not answer, and what those leave who have died: told, tried again, and in nobody's way."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest

from local.ports import free_ports
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict
from tenantry.domain.server import Server
from tenantry.domain.tenant import Home, Isolation
from tenantry.rollouts.looking import find_blocker
from tenantry.rollouts.rollout import EntryState, Rollout, RolloutState
from tests.integration.conftest import REGION, STAGE
from tests.integration.revisions.conftest import Versions
from tests.integration.rollouts.conftest import ADD_NOTE, DROP_NOTE, Fleet
from tests.postgres import temporary_postgres

DONE, BLOCKED, RUNNING, CANCELLED = EntryState.DONE, EntryState.BLOCKED, EntryState.RUNNING, EntryState.CANCELLED


def register(fleet: Fleet, port: int) -> None:
    """Register the second id of the server, at a port."""
    server = fleet.world.server
    administrator = Credentials(server.host, port, "postgres", server.admin_user, server.admin_password, "disable")
    ServerSecrets(aws_client("secretsmanager", REGION), STAGE).write("away", administrator)
    fleet.registry.put_server(Server("away", REGION, server.host, port, sslmode="disable"))
    fleet.servers.begin()


def test_a_server_that_is_away_is_tried_again_and_stops_nobody(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    tenant = fleet.registry.tenant(fleet.made[0])
    assert tenant
    register(fleet, free_ports(1)[0])
    fleet.registry.put_tenant(replace(tenant, server_id="away"))
    rollout = fleet.start()

    fleet.run(wait=False)

    away = fleet.entries(rollout)[fleet.made[0].value]
    assert (away.state, away.code) == (BLOCKED, "08001")
    assert {state for unit, state in fleet.states(rollout).items() if unit != away.unit} == {DONE}
    register(fleet, fleet.world.server.port)
    assert fleet.run().state is RolloutState.DONE
    assert fleet.entries(rollout)[away.unit].changed_to == "0002"


def test_a_database_that_lets_nobody_in_is_tried_again(fleet: Fleet, versions: Versions) -> None:
    """Its owner can say so; who watches sessions takes it back."""
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    name = fleet.made[0].value
    rollout = fleet.start()
    fleet.world.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')
    fleet.run(wait=False)
    assert (fleet.entries(rollout)[name].state, fleet.entries(rollout)[name].code) == (BLOCKED, "53300")
    fleet.world.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
    assert fleet.run().state is RolloutState.DONE


def test_a_password_that_is_wrong_has_failed(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    secrets = ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
    right = secrets.find("local")
    assert right
    secrets.write("local", replace(right, password="another"))
    fleet.servers.begin()
    rollout = fleet.start()
    assert fleet.run().state is RolloutState.STOPPED
    assert "28P01" in {entry.code for entry in fleet.entries(rollout).values()}
    secrets.write("local", right)
    fleet.servers.begin()
    fleet.steering.resume(rollout.rollout_id)
    assert fleet.run().state is RolloutState.DONE


def leave(fleet: Fleet, rollout: Rollout, minutes: int) -> None:
    """Leave a home as a worker does that began so many minutes ago and said nothing more."""
    entry = fleet.entries(rollout)[fleet.made[0].value]
    began = datetime.now(UTC) - timedelta(minutes=minutes)
    left = replace(entry, state=RUNNING, attempts=1, begun_from="0001", updated_at=began.isoformat())
    fleet.ledger.put(rollout.rollout_id, left)


def test_the_lease_of_a_dead_worker_outlasts_no_patience(fleet: Fleet, versions: Versions) -> None:
    versions.add("0002", "0001", ADD_NOTE, DROP_NOTE)
    rollout, name = fleet.start(patience_minutes=0), fleet.made[0].value
    leave(fleet, rollout, 1)
    with fleet.leases.hold("tenant", name):
        assert fleet.run(wait=False).state is RolloutState.RUNNING
        entry = fleet.entries(rollout)[name]
        assert (entry.state, entry.begun_from, bool(entry.not_before)) == (EntryState.PENDING, "0001", True)
    assert fleet.run().state is RolloutState.DONE
    assert fleet.entries(rollout)[name].changed_to == "0002"


@pytest.mark.parametrize(
    ("minutes", "state", "code"), [(16, CANCELLED, "worker_lost"), (1, RUNNING, "")], ids=["dead", "maybe at work"]
)
def test_a_look_settles_what_a_cancelled_rollout_has_left(
    fleet: Fleet, minutes: int, state: EntryState, code: str
) -> None:
    rollout = fleet.start()
    leave(fleet, rollout, minutes)
    fleet.steering.cancel(rollout.rollout_id)
    # Somebody who resumed it at the same moment has written after the cancel.
    other = fleet.entries(rollout)[fleet.made[1].value]
    fleet.ledger.put(rollout.rollout_id, replace(other, state=EntryState.PENDING))

    seen = {entry.unit: entry for entry in fleet.rollouts.entries(rollout.rollout_id)}

    left = seen[fleet.made[0].value]
    assert (left.state, left.code, left.begun_from) == (state, code, "0001")
    assert seen[other.unit].state is CANCELLED
    assert fleet.states(rollout) == {unit: entry.state for unit, entry in seen.items()}


def test_a_rollout_that_ended_without_giving_way_is_in_nobodys_way(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fleet.start()
    with monkeypatch.context() as died:
        died.setattr(fleet.store, "_free", lambda _: None)
        fleet.steering.cancel(first.rollout_id)
    second = fleet.start()
    with pytest.raises(Conflict) as refusal:
        fleet.start()
    assert (refusal.value.code, refusal.value.details) == ("rollout_in_progress", f"rollout {second.rollout_id}")


def test_a_prepared_transaction_is_told_as_one() -> None:
    """It holds its locks without a session."""
    with temporary_postgres("prepared") as server:
        with closing(server.connect()) as session:
            session.autocommit = True
            session.cursor().execute("ALTER SYSTEM SET max_prepared_transactions = 1")
        server.stop()
        server.start()

        def connect(database: str) -> psycopg2.extensions.connection:
            made = server.connect(database)
            made.autocommit = True
            return made

        home = Home("local", Isolation.DATABASE, "postgres", "public")
        with closing(connect("postgres")) as tenant, tenant.cursor() as cursor:
            cursor.execute("CREATE TABLE candidates ()")
            assert find_blocker(connect, home) == {}
            cursor.execute("BEGIN; SELECT FROM candidates")
            assert find_blocker(connect, home)["idle"]
            cursor.execute("PREPARE TRANSACTION 'left here'")
            found = find_blocker(connect, home)
    assert (found["application"], found["idle"], found["prepared"]) == ("left here", True, True)
