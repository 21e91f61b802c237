"""An owner changes rights while an operator does: neither undoes what the other has done, and both succeed."""

import threading
from contextlib import closing
from typing import Any

import pytest

from tenantry.domain.tenant import TenantId
from tenantry.homes.exposure import Exposure
from tests.hostile.owner_sql.test_rights_go_along import refused, run
from tests.integration.restores.conftest import Vault

CHANGES = [
    'GRANT SELECT (id) ON api.a TO "{t}_viewer"',
    'GRANT USAGE ON SCHEMA api TO "{t}_login_a"',
    "DROP TABLE api.b",
    "ALTER TABLE api.a ADD COLUMN x int",
]


@pytest.fixture
def tenant(vault: Vault) -> TenantId:
    made = vault.add()
    run(vault, made, "owner", "CREATE SCHEMA api; CREATE TABLE api.a (id int); CREATE TABLE api.b (id int)")
    return made


def exposure(vault: Vault, tenant: TenantId) -> Exposure:
    return Exposure(vault.servers.connector("here"), tenant, vault.home(tenant))


def commit_when_waited_for(vault: Vault, holder: Any, over: threading.Event) -> None:
    """Commit as soon as somebody waits for that session, as a migration of a moment does, or when it is over."""
    is_waited_for = f"""
        SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND {holder.info.backend_pid} = ANY(pg_blocking_pids(pid))
    """
    while not over.is_set() and not vault.execute("here", is_waited_for)[0][0]:
        pass
    holder.commit()


@pytest.mark.parametrize("change", CHANGES)
def test_a_schema_is_exposed_while_its_owner_changes_it(vault: Vault, tenant: TenantId, change: str) -> None:
    """The owner's transaction has changed a right or a table of the schema, and commits while the operator waits."""
    with closing(vault.connect(tenant)) as holder:
        holder.autocommit = False
        holder.cursor().execute(f'SET ROLE "{tenant}_owner"; ' + change.replace("{t}", tenant.value))
        over = threading.Event()
        committing = threading.Thread(target=commit_when_waited_for, args=(vault, holder, over))
        committing.start()
        try:
            exposure(vault, tenant).change({"api"}, set())
        finally:
            over.set()
            committing.join()
    run(vault, tenant, "viewer", "SELECT FROM api.a")


def test_what_can_never_be_done_is_told_by_its_own_code(vault: Vault) -> None:
    """An error that is repeated in vain stays the error that it is, and is not called a busy database."""
    from tenantry.database.patience import patiently
    from tenantry.domain.errors import StatementFailed
    from tenantry.domain.patience import Patience

    def broken() -> None:
        raise StatementFailed(code="XX000")

    with pytest.raises(StatementFailed) as failure:
        patiently(broken, Patience(seconds=0.2))
    assert failure.value.code == "XX000"


def test_another_schema_opens_nothing_that_was_closed(vault: Vault, tenant: TenantId) -> None:
    """The owner keeps its viewer out of a table in an exposed schema; the operator exposes another schema beside it."""
    run(vault, tenant, "owner", "CREATE SCHEMA more; CREATE TABLE more.c (id int)")
    exposure(vault, tenant).change({"api"}, set())
    run(vault, tenant, "owner", 'REVOKE ALL ON api.a FROM "{t}_viewer"')
    exposure(vault, tenant).change({"api", "more"}, set(), {"api"})
    assert refused(vault, tenant, "viewer", "SELECT FROM api.a")
    run(vault, tenant, "viewer", "SELECT FROM api.b")
    run(vault, tenant, "viewer", "SELECT FROM more.c")
