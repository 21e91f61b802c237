"""Whatever is wrong with a backup or its restore: the live data stay unchanged, and nothing is left behind."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tenantry.database import pg_restore
from tenantry.domain.backup import manifest_key
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.restores.conftest import BUCKET, ROWS, Shelf, Vault
from tests.integration.restores.forgery import dump_as_superuser, publish, put, stored

MODELS = [Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED]
NEW = "INSERT INTO candidates (name, job_role, email) VALUES ('New', 'x', 'new')"
MANY = """CREATE TABLE many AS SELECT i, repeat(md5(i::text), 8) AS text FROM generate_series(1, 200000) i;
          CREATE INDEX ON many (text)"""


def restore_in_vain(vault: Vault, backup: CataloguedBackup, seconds: float = 60) -> str:
    """Try a restore that has to fail and to leave everything unchanged; returns the error's code."""
    tenant = backup.tenant_id
    before, known = vault.run_as(tenant, ROWS), vault.tenant(tenant)
    with pytest.raises(TenantryError) as failure:
        vault.perform(vault.start(backup), seconds=seconds)
    assert vault.run_as(tenant, ROWS) == before
    assert vault.tenant(tenant) == known
    assert vault.leftovers(tenant) == []
    vault.run_as(tenant, NEW)
    vault.run_as(tenant, "DELETE FROM candidates WHERE email = 'new'")
    return failure.value.code


@pytest.mark.parametrize("isolation", MODELS)
@pytest.mark.parametrize("where", [0.0, 0.3, 0.7, 0.99])
def test_one_flipped_byte(vault: Vault, shelf: Shelf, isolation: Isolation, where: float) -> None:
    with shelf.lend(isolation) as kept:
        assert kept.backup.manifest
        damaged = bytearray(stored(vault, kept.backup))
        damaged[int(where * (len(damaged) - 1))] ^= 4
        forged = put(vault, kept.tenant_id, kept.backup.manifest, bytes(damaged), {})
        assert restore_in_vain(vault, forged) == "backup_damaged"


def test_a_byte_that_changes_nothing_but_a_value(vault: Vault, shelf: Shelf) -> None:
    """The compressed stream is sound: only the digest of the stored bytes reveals the change."""
    with shelf.lend() as kept:
        backup = kept.backup
        assert backup.manifest
        archive = dump_as_superuser(vault, backup.tenant_id.value).replace(b"Person 7\t", b"Person 8\t")
        forged = publish(vault, backup, archive)
        assert forged.manifest
        lying = forged.manifest.dump.model_copy(update={"sha256": backup.manifest.dump.sha256})
        forged = put(vault, backup.tenant_id, forged.manifest, stored(vault, forged), {"sha256": lying.sha256})
        assert restore_in_vain(vault, forged) == "backup_damaged"


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_truncated_object_is_no_backup(vault: Vault, shelf: Shelf, share: float) -> None:
    with shelf.lend() as kept:
        backup = kept.backup
        assert backup.manifest
        whole = stored(vault, backup)
        cut = whole[: int(len(whole) * share)]
        forged = put(vault, backup.tenant_id, backup.manifest, cut, {})
        with pytest.raises(TenantryError) as refusal:
            vault.start(forged)
        assert (refusal.value.code, refusal.value.details) == ("backup_broken", "dump_size")
        # Whose manifest says that this is all: the frame is cut, whatever the size.
        lying = put(vault, backup.tenant_id, backup.manifest, cut, {"stored_bytes": len(cut)})
        assert restore_in_vain(vault, lying) == "backup_damaged"


def test_a_manifest_without_its_object_and_the_reverse(vault: Vault) -> None:
    tenant = vault.add()
    backup, other = vault.back_up(tenant), vault.back_up(tenant)
    assert backup.manifest
    vault.s3.delete_object(Bucket=BUCKET, Key=backup.manifest.dump.key, VersionId=backup.manifest.dump.version_id)
    vault.s3.delete_object(Bucket=BUCKET, Key=manifest_key(tenant, other.backup_id))
    codes = []
    for broken in (backup, other):
        with pytest.raises(TenantryError) as refusal:
            vault.start(broken)
        codes.append((refusal.value.code, refusal.value.details))
    assert codes == [("backup_broken", "dump_missing"), ("backup_broken", "hidden")]
    assert vault.tenant(tenant).relocation == ""


def test_an_object_that_vanishes_after_the_call(vault: Vault) -> None:
    backup = vault.back_up(vault.add())
    assert backup.manifest
    operation = vault.start(backup)
    vault.s3.delete_object(Bucket=BUCKET, Key=backup.manifest.dump.key, VersionId=backup.manifest.dump.version_id)
    with pytest.raises(TenantryError) as failure:
        vault.perform(operation)
    assert failure.value.code == "backup_broken"
    assert vault.leftovers(backup.tenant_id) == []
    assert vault.tenant(backup.tenant_id).relocation == ""


def test_another_dump_under_the_same_name_is_not_taken_for_it(vault: Vault) -> None:
    """Versions are pinned: an object that is written over the dump later is not the backup."""
    backup = vault.back_up(vault.add())
    assert backup.manifest
    vault.s3.put_object(Bucket=BUCKET, Key=backup.manifest.dump.key, Body=b"something else")
    with pytest.raises(TenantryError) as refusal:
        vault.start(backup)
    assert refusal.value.code == "backup_broken"


def test_a_backup_that_lacks_rows_is_not_put_in_place(vault: Vault) -> None:
    tenant = vault.add()
    backup = vault.back_up(tenant)
    assert backup.manifest
    vault.run_as(tenant, "DELETE FROM candidates WHERE id > 150")
    forged = publish(vault, backup, dump_as_superuser(vault, tenant.value))
    assert restore_in_vain(vault, forged) == "restore_differs"


def test_rows_that_a_policy_hides_are_not_taken_for_all(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(
        tenant,
        """ALTER TABLE candidates ENABLE ROW LEVEL SECURITY; ALTER TABLE candidates FORCE ROW LEVEL SECURITY;
           CREATE POLICY half ON candidates USING (id < 50)""",
    )
    backup, archive = vault.back_up(tenant), dump_as_superuser(vault, tenant.value)
    # One is missing that the owner does not see.
    vault.execute("here", "DELETE FROM candidates WHERE id = (SELECT max(id) FROM candidates)", tenant.value)
    fewer = dump_as_superuser(vault, tenant.value)
    vault.run_as(tenant, "DROP POLICY half ON candidates; ALTER TABLE candidates NO FORCE ROW LEVEL SECURITY")
    assert restore_in_vain(vault, publish(vault, backup, fewer)) == "restore_differs"
    vault.perform_well(vault.start(publish(vault, backup, archive)))
    forced = vault.execute("here", "SELECT relname FROM pg_class WHERE relforcerowsecurity", tenant.value)
    assert (forced, vault.run_as(tenant, "SELECT max(id) FROM candidates")) == ([("candidates",)], [(49,)])


def test_a_backup_of_a_newer_server_is_refused(vault: Vault, shelf: Shelf) -> None:
    with shelf.lend() as kept:
        backup = kept.backup
        assert backup.manifest
        newer = backup.manifest.database.model_copy(update={"server_version": "19.1 (Debian 19.1-1)"})
        forged = put(vault, backup.tenant_id, backup.manifest, stored(vault, backup), {}, database=newer)
        with pytest.raises(TenantryError) as refusal:
            vault.start(forged)
        assert refusal.value.code == "server_too_old"


@contextmanager
def ending(vault: Vault, tenant_id: TenantId, where: str) -> Iterator[list[Any]]:
    """End the restore's backend as soon as `where` is true of it in pg_stat_activity."""
    ended: list[Any] = []
    stop = threading.Event()

    def end() -> None:
        query = f"""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE usename = '{tenant_id}_copy' AND application_name = 'tenantry-restore' AND {where}"""
        while not stop.is_set() and not ended:
            ended.extend(vault.execute("here", query))

    thread = threading.Thread(target=end)
    thread.start()
    try:
        yield ended
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "where",
    [
        "query ~ '^COPY public.many'",
        "query ~ '^CREATE INDEX'",
        "query ~ 'hashtextextended|count'",
        "backend_type = 'client backend'",
    ],
)
def test_a_backend_that_is_killed(vault: Vault, shelf: Shelf, where: str) -> None:
    with shelf.lend(script=MANY) as kept:
        # What is there afterwards was restored.
        vault.run_as(kept.tenant_id, "DELETE FROM many WHERE i = 1")
        with ending(vault, kept.tenant_id, where) as ended:
            code = restore_in_vain(vault, kept.backup)
        assert ended
        assert code in {"restore_failed", "57P01", "08006", "08001"}
        vault.perform_well(vault.start(kept.backup))
        assert vault.run_as(kept.tenant_id, "SELECT count(*) FROM many") == [(200000,)]


def test_a_pg_restore_that_is_killed(vault: Vault, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    real, written = pg_restore.Restore.write, []

    def write(restore: pg_restore.Restore, portion: bytes) -> None:
        written.append(len(portion))
        if sum(written) > 5_000_000:
            restore._process.kill()
        real(restore, portion)

    monkeypatch.setattr(pg_restore.Restore, "write", write)
    with shelf.lend(script=MANY) as kept:
        assert restore_in_vain(vault, kept.backup) == "restore_failed"


def test_the_deadline_ends_program_and_session(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(
        tenant,
        """CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
           $$ BEGIN IF current_database() <> '{}' THEN PERFORM pg_sleep(600); END IF; RETURN $1; END $$;
           CREATE TABLE slow AS SELECT 1 AS i; CREATE INDEX ON slow (slow(i))""".replace("{}", tenant.value),
    )
    backup = vault.back_up(tenant)
    assert restore_in_vain(vault, backup, seconds=4) == "restore_deadline"


def test_a_missing_pg_restore_is_told(vault: Vault, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pg_restore.Restore, "_command", lambda _: ["/nowhere/pg_restore"])
    with shelf.lend() as kept:
        assert restore_in_vain(vault, kept.backup) == "pg_client_missing"
