"""A manifest agrees with the tenant's contents, and with what is restored from the dump."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard

from tenantry.backups import snapshot
from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.backup import Manifest
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Home, Isolation, TenantId
from tests.integration.backups.conftest import manifest_of
from tests.integration.backups.test_take import BINARIES, BUCKET, back_up
from tests.integration.conftest import World

RESTORED = "manifest_restored"


@pytest.fixture
def tenant(world: World) -> Iterator[TenantId]:
    """A tenant with settings, keys of several kinds, a large object and a table outside the main schema."""
    made, owner = world.tenants[0], f"{world.tenants[0]}_owner"
    world.execute(
        """CREATE TABLE numbered AS SELECT i AS id, md5(i::text) AS text FROM generate_series(1, 5000) i;
           ALTER TABLE numbered ADD PRIMARY KEY (id);
           CREATE TABLE named AS SELECT gen_random_uuid() AS id, i AS n FROM generate_series(1, 5000) i;
           ALTER TABLE named ADD PRIMARY KEY (id);
           CREATE TABLE paired AS SELECT i AS one, (i * 7)::text AS "the other%" FROM generate_series(1, 5000) i;
           ALTER TABLE paired ADD PRIMARY KEY (one, "the other%");
           CREATE TABLE keyless AS SELECT i, 1.50::numeric AS price FROM generate_series(1, 5000) i;
           CREATE SCHEMA beside; CREATE TABLE beside.things AS SELECT 1 AS one;
           SELECT lo_from_bytea(0, 'content')""",
        made.value,
        owner,
    )
    world.execute(f"""ALTER DATABASE "{made}" SET work_mem = '5MB';
                      ALTER ROLE "{made}_viewer" IN DATABASE "{made}" SET statement_timeout = '7s'""")
    yield made
    world.execute(
        """DROP TABLE numbered, named, paired, keyless; DROP SCHEMA beside CASCADE;
           SELECT lo_unlink(oid) FROM pg_largeobject_metadata""",
        made.value,
    )


def test_it_says_what_no_dump_holds(world: World, s3: Any, tenant: TenantId) -> None:
    manifest = manifest_of(s3, back_up(tenant))
    assert manifest.format == 3
    assert manifest.home is not None
    assert manifest.home.home == Home("local", Isolation.DATABASE, tenant.value, "public")
    assert manifest.home.connections == 10
    assert manifest.schema_revision
    settings = {(s.role, s.in_database, s.name): s.value for s in manifest.settings}
    assert settings["", True, "work_mem"] == "5MB"
    assert settings["", True, "tenantry.tenant_id"] == tenant.value
    assert settings[f"{tenant}_viewer", True, "statement_timeout"] == "7s"
    roles = {role.name: role for role in manifest.roles}
    login = roles[f"{tenant}_login_a"]
    assert (login.login, login.inherits, login.connection_limit) == (True, False, 10)
    assert f"{tenant}_owner" in login.member_of
    assert not roles[f"{tenant}_owner"].login
    assert (f"{tenant}_login_a", "CONNECT") in {(grant.grantee, grant.privilege) for grant in manifest.grants}
    assert "" not in {grant.grantee for grant in manifest.grants}, "everybody may connect"
    assert "plpgsql" in {extension.name for extension in manifest.extensions}
    database = manifest.database
    ((version,),) = world.execute("SHOW server_version_num")
    assert (database.encoding, database.version) == ("UTF8", int(version))
    assert database.collation
    assert database.locale_provider in {"libc", "icu", "builtin"}
    assert manifest.large_objects is not None
    assert manifest.large_objects.count == 1
    assert world.credentials[tenant].password not in manifest.model_dump_json()


@pytest.mark.parametrize("samples", [False, True])
def test_what_comes_back_has_the_same_digests(
    world: World, s3: Any, tenant: TenantId, monkeypatch: pytest.MonkeyPatch, samples: bool
) -> None:
    if samples:
        monkeypatch.setattr(snapshot, "_ALL_ROWS_BYTES", 0)
        monkeypatch.setattr(snapshot, "_SMALL_TABLE_BYTES", 10_000)
    manifest = manifest_of(s3, back_up(tenant))
    shares = {t.table: (t.one_in, t.key) for t in manifest.tables if t.one_in > 1}
    expected = {"numbered": (16, ["id"]), "named": (16, ["id"]), "paired": (16, ["one", "the other%"])}
    assert shares == (expected if samples else {})
    dump = s3.get_object(Bucket=BUCKET, Key=manifest.dump.key)["Body"].read()
    world.execute(f"CREATE DATABASE {RESTORED} TEMPLATE template0")
    try:
        restore(world, zstandard.ZstdDecompressor().decompressobj().decompress(dump))
        assert digests(world, manifest) == {(t.schema_name, t.table): (t.rows, t.digest) for t in manifest.tables}
        # And they notice a change, of a sampled table in one row of the sample at least.
        world.execute("UPDATE numbered SET text = text || '.'; UPDATE keyless SET price = 1.5 WHERE i = 77", RESTORED)
        changed = digests(world, manifest)
        differing = {t.table for t in manifest.tables if changed[t.schema_name, t.table] != (t.rows, t.digest)}
        assert differing == {"numbered", "keyless"}
    finally:
        world.execute(f"DROP DATABASE {RESTORED} WITH (FORCE)")


def restore(world: World, archive: bytes) -> None:
    server = world.server
    names = {"PGHOST": server.host, "PGPORT": str(server.port), "PGUSER": server.admin_user}
    command = [str(BINARIES / "pg_restore"), "--exit-on-error", "--no-owner", "--no-acl", "-d", RESTORED]
    environment = names | {"PGPASSWORD": server.admin_password}
    subprocess.run(command, input=archive, env=environment, check=True, timeout=60)


def digests(world: World, manifest: Manifest) -> dict[tuple[str, str], tuple[int, str]]:
    server = world.server
    login = Credentials(server.host, server.port, RESTORED, server.admin_user, server.admin_password, "disable")
    access = Access(Home("", Isolation.DATABASE, RESTORED, "public"), login, server.admin_user)
    with ContentReader(access, ConnectSettings()) as reader:
        content = reader.content(manifest.counting)
        objects = content.large_objects
        assert (objects and objects.digest) == (manifest.large_objects and manifest.large_objects.digest)
        return {
            (table.schema, table.name): (content.tables[name].rows, content.tables[name].digest)
            for name, table in reader.tables.items()
        }
