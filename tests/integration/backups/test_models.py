"""Backups of tenants that share a database: each holds all rows of its tenant, and no others."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard

from tenantry.domain.backup import Manifest
from tenantry.domain.errors import BackupFailed, TenantryError
from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.backups.test_take import BINARIES, BUCKET, back_up, keys, s3  # noqa: F401
from tests.integration.conftest import World
from tests.integration.homes.conftest import candidate, fleet  # noqa: F401

type Fleet = dict[Isolation, list[TenantId]]


def published(s3: Any, answer: dict[str, Any]) -> tuple[Manifest, bytes]:  # noqa: F811
    manifest = Manifest.model_validate_json(s3.get_object(Bucket=BUCKET, Key=answer["manifest"])["Body"].read())
    dump = s3.get_object(Bucket=BUCKET, Key=manifest.dump.key)["Body"].read()
    return manifest, zstandard.ZstdDecompressor().decompressobj().decompress(dump)


def as_script(archive: bytes) -> str:
    """Everything in an archive, as SQL."""
    command = [str(BINARIES / "pg_restore"), "-f", "-"]
    return subprocess.run(command, input=archive, capture_output=True, check=True, timeout=60).stdout.decode()


def test_a_schema_is_backed_up_alone(world: World, s3: Any, fleet: Fleet) -> None:  # noqa: F811
    tenant, neighbour = fleet[Isolation.SCHEMA]
    manifest, archive = published(s3, back_up(tenant))
    assert manifest.isolation is Isolation.SCHEMA
    assert [(t.schema_name, t.table, t.rows) for t in manifest.tables] == [
        (tenant.value, "alembic_version", 1),
        (tenant.value, "candidates", 1),
    ]
    assert manifest.database.size_bytes > 0
    script = as_script(archive)
    assert f"{tenant}@example.com" in script
    assert neighbour.value not in script


def test_pooled_rows_are_backed_up_alone(world: World, s3: Any, fleet: Fleet) -> None:  # noqa: F811
    tenant, neighbour = fleet[Isolation.POOLED]
    for number in range(5):
        assert world.call(tenant, "POST", body=candidate(f"more-{number}")).status == 201
    manifest, archive = published(s3, back_up(tenant))
    assert manifest.isolation is Isolation.POOLED
    assert [(t.schema_name, t.table, t.rows) for t in manifest.tables] == [("public", "candidates", 6)]
    script = as_script(archive)
    assert script.count(f"\t{tenant}\n") == 6
    assert neighbour.value not in script
    assert "alembic_version" not in script


@pytest.fixture
def blind(world: World, fleet: Fleet) -> Iterator[None]:  # noqa: F811
    """Remove the policy that shows tenants their rows."""
    world.execute("ALTER POLICY tenantry_tenant ON candidates USING (false)", "tenantry_pool")
    yield
    qual = "(tenant_id = (SELECT substring(session_user::text, '^(.+)_login_[ab]$')))"
    world.execute(f"ALTER POLICY tenantry_tenant ON candidates USING {qual} WITH CHECK {qual}", "tenantry_pool")


def test_rows_that_the_tenant_does_not_see_make_it_fail(
    world: World,
    s3: Any,  # noqa: F811
    fleet: Fleet,  # noqa: F811
    blind: None,
) -> None:
    tenant = fleet[Isolation.POOLED][0]
    before = keys(s3, tenant)
    with pytest.raises(BackupFailed) as failure:
        back_up(tenant)
    assert failure.value.code == "rows_hidden"
    assert keys(s3, tenant) == before


@pytest.mark.parametrize("model", [Isolation.SCHEMA, Isolation.POOLED])
def test_what_such_a_backup_would_lack_makes_it_fail(
    world: World,
    s3: Any,  # noqa: F811
    fleet: Fleet,  # noqa: F811
    model: Isolation,
) -> None:
    tenant = fleet[model][0]
    database = world.credentials[tenant].dbname
    ((number,),) = world.execute("SELECT lo_create(0)", database, f"{tenant}_owner")
    try:
        with pytest.raises(TenantryError) as failure:
            back_up(tenant)
        assert failure.value.code == "large_objects"
    finally:
        world.execute(f"SELECT lo_unlink({number})", database)
