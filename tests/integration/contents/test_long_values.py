"""What a server can dump it can count: values that fill much of the memory that a session may have."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader
from tenantry.contents.watch import Lenient
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.backup_facts import LargeObjects
from tenantry.domain.content import Counting
from tenantry.domain.tenant import TenantId, owner_role
from tests.integration.contents.conftest import Vault

_MB = 1 << 20
# In MB, of each server process. COPY needs more than twice a value: it, and what is sent, in a buffer that doubles.
LIMIT, LONG = 56, 14
TABLES = f"""
CREATE TABLE texts (a text);   INSERT INTO texts SELECT repeat('abcdefg"', {LONG * _MB // 8});
CREATE TABLE bytes (a bytea);  INSERT INTO bytes SELECT decode(repeat('00ff', {LONG * _MB // 4}), 'hex');
CREATE TABLE jsons (a json);   INSERT INTO jsons SELECT ('"' || repeat('abcdefg ', {LONG * _MB // 8}) || '"')::json;
CREATE TABLE lists (a text[]); INSERT INTO lists SELECT ARRAY[repeat('abcdefg ', {LONG * _MB // 16})];
DO $$
DECLARE number oid := lo_create(0);
BEGIN
    FOR n IN 0..{LIMIT // 10} LOOP
        PERFORM lo_put(number, n * {10 * _MB}, decode(repeat('00ff00ff', {10 * _MB // 4}), 'hex'));
    END LOOP;
END $$;
"""


@contextmanager
def tight(vault: Vault) -> Iterator[None]:
    """Give the servers' sessions little memory, from now on."""
    for server in vault.postgres.values():
        server.limit_memory(LIMIT * _MB)
    try:
        yield
    finally:
        for server in vault.postgres.values():
            server.limit_memory(server._memory)


def test_long_values_are_counted_and_compared(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, TABLES)
    with tight(vault):
        assert as_one_text(vault, tenant) >= {"texts", "large objects"}
        backup = vault.back_up(tenant)
        assert backup.manifest
        assert backup.uncounted is None
    # What takes the most is COPY, when it reads such a value.
    findings = vault.scratches().drill(vault.order(backup)).findings
    assert backup.manifest.large_objects
    assert (findings.differing, findings.compared) == ([], "content")


def as_one_text(vault: Vault, tenant: TenantId) -> set[str]:
    """What can't be digested as one text, as in backups of format 2."""
    access = Access(vault.home(tenant), vault.credentials(tenant), owner_role(tenant))
    with ContentReader(access, ConnectSettings()) as reader:
        content = reader.content(Counting(whole=True), Lenient())
        lacking = reader.tables.keys() - content.tables.keys()
    return lacking if content.large_objects else lacking | {"large objects"}


def test_a_backup_of_format_2_is_compared_as_it_was_made(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, "CREATE TABLE texts (a text); INSERT INTO texts VALUES ('x'); SELECT lo_from_bytea(0, 'abc')")
    order = vault.order(vault.back_up(tenant))
    access = Access(vault.home(tenant), vault.credentials(tenant), owner_role(tenant))
    with ContentReader(access, ConnectSettings()) as reader:
        content = reader.content(Counting(whole=True))
    assert content.large_objects
    tables = [
        table.model_copy(update={"digest": content.tables[table.table].digest}) for table in order.manifest.tables
    ]
    objects = LargeObjects(count=1, digest=content.large_objects.digest)
    old = order.manifest.model_copy(update={"format": 2, "tables": tables, "large_objects": objects})
    assert vault.scratches().drill(replace(order, manifest=old)).findings.differing == []
    newer = old.model_copy(update={"format": 3})
    differing = vault.scratches().drill(replace(order, manifest=newer)).findings.differing
    assert {"public.texts", "public.candidates", "large objects"} <= set(differing)
