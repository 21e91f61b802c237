"""A backup becomes a new tenant, comes back on another server, or restores a tenant that the registry has lost."""

import uuid
from typing import Any

import pytest

from tenantry.domain.errors import Conflict, TenantryError
from tenantry.domain.tenant import Isolation, TenantId, TenantStatus
from tests.integration.restores.conftest import ROWS, Shelf, Vault
from tests.integration.restores.forgery import dump_as_superuser, publish, put, stored

MODELS = [Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED]
NEW = "INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', 'new')"


def new_id(vault: Vault) -> TenantId:
    made = TenantId(f"n{uuid.uuid4().hex[:10]}")
    vault.made.append(made)
    return made


@pytest.mark.parametrize("server", ["here", "there"])
@pytest.mark.parametrize("isolation", MODELS)
def test_a_backup_becomes_a_tenant_of_its_own(vault: Vault, shelf: Shelf, isolation: Isolation, server: str) -> None:
    new = new_id(vault)
    with shelf.lend(isolation) as kept:
        tenant, backup, before = kept.tenant_id, kept.backup, kept.rows
        live = vault.run_as(tenant, ROWS)
        vault.run_as(tenant, NEW)
        vault.perform_well(vault.start(backup, into=new, server_id=server, admin_email="boss@example.com"))
        made = vault.tenant(new)
        assert (made.status, made.isolation, made.server_id) == (TenantStatus.ACTIVE, isolation, server)
        assert (made.relocation, made.former_home) == ("", None)
        assert made.usage_key == f"key of {new} boss@example.com"
        assert made.schema_revision == vault.tenant(tenant).schema_revision
        assert vault.run_as(new, ROWS) == before
        vault.run_as(new, "DELETE FROM candidates")
        assert len(vault.run_as(tenant, ROWS)) == len(live) + 1
        assert vault.world.call(new, "POST", body={"name": "n", "job_role": "x", "email": "y"}).status == 201
        assert vault.leftovers(new) == vault.leftovers(tenant) == []
        with pytest.raises(Conflict) as refusal:
            vault.start(backup, into=new)
        assert refusal.value.code == "tenant_exists"


@pytest.mark.parametrize("isolation", MODELS)
def test_a_tenant_comes_back_on_another_server(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation)
    before = vault.run_as(tenant, ROWS)
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "DELETE FROM candidates WHERE id % 2 = 0")
    lost = vault.run_as(tenant, ROWS)
    vault.perform_well(vault.start(backup, server_id="there"))
    assert vault.run_as(tenant, ROWS) == before
    found = vault.tenant(tenant)
    assert (found.server_id, found.former_home and found.former_home.server_id) == ("there", "here")
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert vault.run_as(tenant, ROWS) == lost
    assert vault.tenant(tenant).server_id == "here"
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert vault.run_as(tenant, ROWS) == before
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    assert vault.traces(tenant)["here"] == []
    assert vault.leftovers(tenant) == []
    vault.run_as(tenant, NEW)


@pytest.mark.parametrize("what", ["nothing", "secret", "secret and home"])
@pytest.mark.parametrize("isolation", MODELS)
def test_a_tenant_that_the_registry_has_lost_comes_back(
    vault: Vault, shelf: Shelf, isolation: Isolation, what: str
) -> None:
    """The bucket alone is enough; remains of the tenant are used, and never overwritten."""
    with shelf.lend(isolation) as kept:
        tenant, backup, before = kept.tenant_id, kept.backup, kept.rows
        credentials = vault.credentials(tenant)
        home = vault.servers.home(tenant, vault.home(tenant))
        vault.world.registry.delete_tenant(tenant)
        if what == "secret and home":
            vault.run_as(tenant, "DELETE FROM candidates WHERE id % 2 = 0")
        else:
            home.drop()
        if what == "nothing":
            vault.world.secrets.delete(tenant)
        vault.perform_well(vault.start(backup, into=tenant))
        found = vault.tenant(tenant)
        assert (found.status, found.isolation, found.relocation) == (TenantStatus.ACTIVE, isolation, "")
        assert vault.run_as(tenant, ROWS) == before
        assert (found.former_home is None) == (what != "secret and home")
        if what != "nothing":
            assert vault.credentials(tenant) == credentials
        if found.former_home:
            vault.perform_well(vault.relocations.undo(tenant, "op-1"))
            assert len(vault.run_as(tenant, ROWS)) == 100
            vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
        assert vault.leftovers(tenant) == []


@pytest.mark.parametrize("isolation", MODELS)
def test_a_home_that_was_dropped_comes_back(vault: Vault, shelf: Shelf, isolation: Isolation) -> None:
    with shelf.lend(isolation) as kept:
        tenant, backup, before = kept.tenant_id, kept.backup, kept.rows
        vault.servers.home(tenant, vault.home(tenant)).drop()
        vault.perform_well(vault.start(backup))
        assert vault.run_as(tenant, ROWS) == before
        assert vault.tenant(tenant).former_home is None
        vault.run_as(tenant, NEW)


def test_what_cannot_be_restored_is_refused_and_changes_nothing(vault: Vault, shelf: Shelf) -> None:
    with shelf.lend() as kept, shelf.lend(Isolation.SCHEMA) as others:
        tenant, backup, other = kept.tenant_id, kept.backup, others.tenant_id
        known = vault.tenant(tenant)
        codes = []
        for request in (
            {"tenant_id": other},
            {"into": other},
            {"into": TenantId("postgres")},
            {"server_id": "nowhere"},
            {"into": new_id(vault), "server_id": "nowhere"},
        ):
            with pytest.raises(TenantryError) as refusal:
                vault.start(backup, **request)
            codes.append(refusal.value.code)
        assert codes == ["backup_unknown", "tenant_exists", "reserved_tenant_id", "server_unknown", "server_unknown"]
        assert vault.tenant(tenant) == known


def test_limits_and_settings_of_a_lost_tenant_come_out_of_the_manifest(vault: Vault) -> None:
    tenant = vault.add()
    vault.execute("here", f"ALTER DATABASE \"{tenant}\" SET work_mem = '7MB'")
    backup = vault.back_up(tenant)
    known, home = vault.tenant(tenant), vault.servers.home(tenant, vault.home(tenant))
    vault.world.registry.delete_tenant(tenant)
    vault.world.secrets.delete(tenant)
    home.drop()
    vault.perform_well(vault.start(backup, into=tenant))
    found = vault.tenant(tenant)
    assert (found.limits, found.region, found.server_id) == (known.limits, known.region, known.server_id)
    assert vault.run_as(tenant, "SHOW work_mem") == [("7MB",)]


def test_rows_that_differ_only_in_what_they_say_are_found_out(vault: Vault) -> None:
    """The number of rows is the same and their values differ, which older manifests can't tell."""
    tenant = vault.add()
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "UPDATE candidates SET name = 'Somebody' WHERE id = 7")
    forged = publish(vault, backup, dump_as_superuser(vault, tenant.value))
    with pytest.raises(TenantryError) as failure:
        vault.perform(vault.start(forged))
    assert (failure.value.code, failure.value.details) == ("restore_differs", "public.candidates")
    assert vault.leftovers(tenant) == []


def test_a_backup_of_format_1_is_restored_by_its_counts(vault: Vault, shelf: Shelf) -> None:
    with shelf.lend() as kept:
        tenant, backup, before = kept.tenant_id, kept.backup, kept.rows
        assert backup.manifest
        tables = [table.model_copy(update={"digest": None}) for table in backup.manifest.tables]
        old: dict[str, Any] = {
            "format": 1,
            "home": None,
            "schema_revision": None,
            "settings": [],
            "tables": tables,
            "sequences": {},
        }
        older = put(vault, tenant, backup.manifest, stored(vault, backup), {}, **old)
        done = vault.perform_well(vault.start(older))
        assert done.facts["compared"] == "counts"
        assert vault.run_as(tenant, ROWS) == before
