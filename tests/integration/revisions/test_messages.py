"""How many messages a step takes: each is a round trip to a server that may be far away, for every tenant."""

from typing import Any, ClassVar

import psycopg2
import pytest
from psycopg2.extensions import cursor

from tenantry.domain.tenant import Isolation, new_home
from tenantry.revisions.history import History
from tenantry.revisions.rendering import RenderedHistory
from tenantry.servers.servers import open_admin
from tests.integration.conftest import World
from tests.integration.homes.conftest import new_id, provision
from tests.integration.relocation.conftest import superuser
from tests.integration.revisions.conftest import Versions


class Counted(cursor):
    """Keeps what all cursors have sent."""

    sent: ClassVar[list[str]] = []

    def execute(self, query: Any, values: Any = None) -> None:
        """Send a message."""
        self.sent.append(str(query))
        super().execute(query, values)

    def copy_expert(self, query: Any, file: Any, size: int = 8192) -> None:
        """Send a COPY."""
        self.sent.append(str(query))
        super().copy_expert(query, file, size)


def test_a_step_in_a_database_of_ones_own(world: World, versions: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant_id, connect = new_id("v"), psycopg2.connect
    provision(world, tenant_id, Isolation.DATABASE)
    rests = "CREATE TABLE made AS SELECT current_setting($$idle_session_timeout$$) AS rest"
    versions.add("0002", "0001", f"op.execute('{rests}')")
    admin = open_admin(superuser(world.server)).home(tenant_id, new_home(tenant_id, "local", Isolation.DATABASE))
    monkeypatch.setattr(Counted, "sent", [])
    monkeypatch.setattr(psycopg2, "connect", lambda **options: connect(**options, cursor_factory=Counted))
    assert admin.migrate("0002", RenderedHistory(History())) == "0002"
    as_owner = [text for text in Counted.sent if "set_config('role'" in text]
    # To look, to change and note, and to look again; the other statements of each travel with its BEGIN.
    assert len(as_owner) == 3
    # The others take the turn, make the login, announce the change, and drop the login.
    assert len(Counted.sent) <= 28
    # Between two batches of a backfill it may have nothing to do for longer than a session that is kept.
    assert world.execute("SELECT rest FROM made", tenant_id.value) == [("0",)]
