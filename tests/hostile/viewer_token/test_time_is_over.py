"""A function that does not end when its time is over: it catches that it is cancelled, or begins at the commit."""

import time
from collections.abc import Iterator

import pytest

from tenantry.database import statement_watch
from tenantry.domain.data_api import DataApiSettings
from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import Reply, clear_caches, request_event

# Seconds: longer than any of these calls may take, and shorter than a test that hangs.
_LONG = 30
FUNCTIONS = f"""
CREATE TABLE commits (id int PRIMARY KEY, way text);
GRANT ALL ON commits TO PUBLIC;
CREATE FUNCTION go_on() RETURNS text LANGUAGE plpgsql AS $$DECLARE began timestamptz := clock_timestamp(); BEGIN
    PERFORM set_config('client_connection_check_interval', '0', true);
    WHILE clock_timestamp() < began + interval '{_LONG}s' LOOP
        BEGIN PERFORM pg_sleep({_LONG}); EXCEPTION WHEN query_canceled THEN NULL; END;
    END LOOP;
    RETURN 'went on';
END$$;
CREATE FUNCTION spend() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    IF NEW.way = 'again' THEN
        SET CONSTRAINTS ALL DEFERRED;
        INSERT INTO commits VALUES (NEW.id + 1, 'sleep');
    ELSIF NEW.way = 'sleep' THEN
        PERFORM set_config('transaction_timeout', '0', true), pg_sleep({_LONG});
    ELSE PERFORM go_on();
    END IF;
    RETURN NULL;
END$$;
CREATE CONSTRAINT TRIGGER spend AFTER INSERT ON commits DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION spend();
NOTIFY pgrst, 'reload schema';
"""


@pytest.fixture(scope="module")
def spender(viewer: Viewer) -> Iterator[Viewer]:
    """Statements may take a fifth of a second, and as much again before they are left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statement_watch, "_GRACE", 0.2)
        patch.setattr(statement_watch, "_LAST", 0.2)
        patch.setenv("STATEMENT_TIMEOUT_MS", "200")
        viewer.new_connection()
        clear_caches()
        viewer.run(FUNCTIONS)
        yield viewer
        viewer.new_connection()
    clear_caches()


def _ask(
    spender: Viewer,
    method: str,
    path: str,
    body: object = None,
    prefer: str = "",
    first: str = "",
    *,
    is_behind: bool = False,
) -> Reply:
    """Send a request that takes little longer than it may, and make sure that nothing of it goes on."""
    event = request_event(spender.tenant, method, path, role="editor", body=body, prefer=prefer, query={})
    if path.startswith("rpc/"):
        event["pathParameters"] = {"function": path.removeprefix("rpc/")}
    event["requestContext"]["authorizer"]["dataApi"] = DataApiSettings(pre_request=first).to_context()
    event["requestContext"]["authorizer"] |= {"schemaBehind": "yes"} if is_behind else {}
    started = time.monotonic()
    reply = spender.send(event)
    assert time.monotonic() - started < _LONG / 3
    return reply


def _wait_for_its_end(spender: Viewer) -> None:
    """It is told to end at once, and does not look itself any more whether who has asked is still there."""
    busy = "SELECT FROM pg_stat_activity WHERE application_name = 'tenantry-query' AND state = 'active'"
    deadline = time.monotonic() + 2
    while spender.world.execute(busy, spender.tenant.value):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_that_catches_it_is_left(spender: Viewer) -> None:
    """A read, what is only tried and the description are not asked for twice; of a change nobody knows."""
    assert _ask(spender, "POST", "rpc/go_on", {}, "tx=rollback").json["code"] == "57014"
    assert _ask(spender, "GET", "rpc/go_on").status == 504
    assert _ask(spender, "GET", "candidates", first="go_on").status == 504
    changed = _ask(spender, "POST", "rpc/go_on", {})
    assert (changed.status, changed.json["code"]) == (503, "08007")
    _wait_for_its_end(spender)
    assert _ask(spender, "GET", "candidates").status == 200


@pytest.mark.parametrize("way", ["sleep", "again"])
def test_time_goes_on_at_the_commit(spender: Viewer, way: str) -> None:
    """Also of what a deferred trigger puts off once more; nothing is changed, and that is told."""
    refused = _ask(spender, "POST", "commits", {"id": 1, "way": way})
    assert (refused.status, refused.json["code"]) == (504, "57014")
    assert _ask(spender, "GET", "commits").json == []


def test_what_a_revision_is_read_from_may_be_a_view(spender: Viewer) -> None:
    """Whose tenant is behind has its database asked, as the owner, who may have made anything of the table."""
    spender.run(
        "ALTER TABLE alembic_version RENAME TO its_own; CREATE VIEW alembic_version AS SELECT go_on() AS version_num"
    )
    try:
        assert _ask(spender, "GET", "candidates", is_behind=True).status == 504
    finally:
        spender.run("DROP VIEW alembic_version; ALTER TABLE its_own RENAME TO alembic_version")


def test_what_catches_it_at_the_commit_is_left(spender: Viewer) -> None:
    for prefer, code in (("", "08007"), ("tx=rollback", "57014")):
        assert _ask(spender, "POST", "commits", {"id": 1, "way": "catch"}, prefer).json["code"] == code
    _wait_for_its_end(spender)
    assert _ask(spender, "GET", "commits").json == []
