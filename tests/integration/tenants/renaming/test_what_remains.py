"""What a rename keeps: suspension, passwords, an adopted database's name; and what stays under the former id."""

from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest

from handlers import query_tenant
from tenantry.aws.clients import aws_client
from tenantry.backups.retention.removal import BackupRemoval
from tenantry.database.marks import mark_role, tenant_marks
from tenantry.domain.errors import Conflict, TenantUnknown
from tenantry.domain.operation import Operation
from tenantry.domain.pgadmin import new_inspector_name
from tenantry.domain.residency import BackupBucket, parse_buckets
from tenantry.domain.server import Wanted
from tenantry.domain.tenant import POOL_DATABASE, Home, Isolation, TenantId, TenantStatus
from tenantry.homes.pool_shape import POOL_ROLE
from tenantry.operations.operations import Performer
from tenantry.tenants import erasure
from tenantry.tenants.adoption_requests import Adoption
from tenantry.tenants.certificate_store import CertificateStore
from tenantry.tenants.retired_ids import no_such_tenant
from tenantry.tenants.tenants import NewTenant, Tenants
from tests.integration.conftest import REGION, STAGE, TABLE, World
from tests.integration.tenants.renaming.conftest import Stand, now

BUCKET = "renamed"


def tenants(stand: Stand) -> Tenants:
    return Tenants(
        stand.world.registry,
        stand.world.secrets,
        stand.servers,
        stand.leases,
        stand.users,
        stand.usage_plans,
        parse_buckets(BackupBucket(REGION, BUCKET), "", STAGE),
    )


def test_a_suspended_tenant_stays_suspended(stand: Stand) -> None:
    old, new = stand.make(Isolation.SCHEMA), stand.free_id()
    tenants(stand).suspend(old)
    stand.rename(old, new)
    assert stand.tenant(new).status is TenantStatus.SUSPENDED


def test_a_suspension_that_comes_in_between_is_not_lost(stand: Stand) -> None:
    old, new = stand.make(Isolation.SCHEMA), stand.free_id()
    operation = stand.begin(old, new)
    with pytest.raises(Exception, match="did not answer"):
        stand.perform(operation, cut_before="stop")
    tenants(stand).suspend(old)
    stand.perform(operation)
    assert stand.tenant(new).status is TenantStatus.SUSPENDED


def test_a_password_that_is_kept_as_md5_works_afterwards(stand: Stand) -> None:
    """PostgreSQL clears such a password, because its salt is the role's name, which changes."""
    old, new = stand.make(Isolation.DATABASE), stand.free_id()
    names, credentials = stand.names(old), stand.world.secrets.find(old)
    assert credentials
    change = f"SET password_encryption = md5; ALTER ROLE \"{old}_login_a\" PASSWORD '{credentials.password}'"
    stand.world.execute(change)
    stored = "SELECT left(rolpassword, 5) FROM pg_authid WHERE rolname = '{}_login_a'"
    assert stand.world.execute(stored.format(old))[0][0].startswith("md5")
    stand.rename(old, new)
    assert stand.world.execute(stored.format(new)) == [("SCRAM",)]
    assert stand.names(new) == names


def test_limits_and_policies_go_along(stand: Stand) -> None:
    old, new = stand.make(Isolation.DATABASE), stand.free_id()
    stand.world.execute(f'ALTER ROLE "{old}_login_a" CONNECTION LIMIT 7; ALTER ROLE "{old}_login_b" CONNECTION LIMIT 7')
    policy = f'ALTER TABLE candidates ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON candidates TO "{old}_editor"'
    stand.world.execute(policy + f" USING (name <> '{old}-0')", old.value, f"{old}_owner")
    names = stand.names(old)
    assert names == [f"{old}-1", f"{old}-2"]
    stand.rename(old, new)
    assert stand.names(new) == names
    limits = stand.world.execute(f"SELECT rolconnlimit FROM pg_roles WHERE rolname LIKE '{new}\\_login\\__'")
    assert limits == [(7,), (7,)]


def test_an_adopted_database_keeps_its_name_and_its_application(stand: Stand) -> None:
    old, new, legacy = stand.make(Isolation.DATABASE), stand.free_id(), f"{stand.made[0]}_prod"
    query_tenant._data_requests()._connections.close()
    stand.servers.home(old, Home("local", Isolation.DATABASE, old.value, "public")).end_sessions()
    stand.world.execute(f'ALTER DATABASE "{old}" RENAME TO "{legacy}"')
    credentials = stand.world.secrets.find(old)
    assert credentials
    stand.world.secrets.write(old, replace(credentials, dbname=legacy))
    stand.world.registry.put_tenant(replace(stand.tenant(old), adopted_database=legacy))
    names = stand.names(old)
    application = {"user": stand.world.server.admin_user, "password": stand.world.server.admin_password}
    with closing(stand.world.server.connect(legacy, **application)) as connection:
        stand.rename(old, new)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            assert cursor.fetchone() == (legacy,)
    stand.assert_renamed(old, new, names)
    stored = stand.world.secrets.find(new)
    assert stored
    assert stored.dbname == legacy


def test_a_session_of_the_old_login_is_ended(stand: Stand) -> None:
    old, new = stand.make(Isolation.POOLED), stand.free_id()
    credentials = stand.world.secrets.find(old)
    assert credentials
    login = {"user": credentials.username, "password": credentials.password}
    with closing(stand.world.server.connect(credentials.dbname, **login)) as connection:
        stand.rename(old, new)
        with pytest.raises(psycopg2.OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT 1")


def test_logins_for_a_look_are_removed(stand: Stand) -> None:
    old, new = stand.make(Isolation.SCHEMA), stand.free_id()
    names = stand.names(old)
    with closing(stand.connect("postgres")) as connection, connection.cursor() as cursor:
        inspector = new_inspector_name(old)
        cursor.execute(f'CREATE ROLE "{inspector}" LOGIN')
        mark_role(cursor, inspector, tenant_marks(cursor, old)[0])
    stand.rename(old, new)
    stand.assert_renamed(old, new, names)


def test_nobody_else_gets_a_former_id(stand: Stand) -> None:
    old, new = stand.make(Isolation.SCHEMA, rows=0), stand.free_id()
    stand.rename(old, new)
    for use in (
        lambda: tenants(stand).create(NewTenant(old, Wanted())),
        lambda: tenants(stand).adopt(Adoption(old, "local")),
    ):
        with pytest.raises(Conflict) as refused:
            use()
        assert refused.value.code == "tenant_id_retired"
    with pytest.raises(TenantUnknown) as unknown:
        tenants(stand).get(old)
    assert (unknown.value.code, unknown.value.details) == ("tenant_renamed", f"It is {new} now.")
    assert no_such_tenant(stand.world.registry, TenantId("nobody-here")).code == "tenant_unknown"


def test_a_tenant_that_is_being_renamed_is_neither_made_nor_erased(stand: Stand) -> None:
    old, new = stand.make(Isolation.SCHEMA, rows=0), stand.free_id()
    operation = stand.begin(old, new)
    with pytest.raises(Exception, match="did not answer"):
        stand.perform(operation, cut_after="rename_roles")
    for use in (lambda: tenants(stand).create(NewTenant(new, Wanted())), lambda: tenants(stand).condemn(new)):
        with pytest.raises(Conflict) as refused:
            use()
        assert refused.value.code == "operation_in_progress"
    stand.perform(operation)


def test_an_erasure_finds_what_was_backed_up_under_the_former_id(stand: Stand, world: World) -> None:
    s3 = aws_client("s3", REGION)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    old, new = stand.make(Isolation.DATABASE), stand.free_id()
    stand.rename(old, new)
    for tenant_id in (old, new, f"{old}-prod"):
        s3.put_object(Bucket=BUCKET, Key=f"tenants/{tenant_id}/backups/1/dump.zst", Body=b"12345")
    tenants(stand).condemn(new)
    operation = Operation("01JBXKQ5S1", erasure.KIND, f"tenant/{new}", "op-1", now())
    stand.store.put(operation)
    certificates = CertificateStore(aws_client("dynamodb", REGION), TABLE)
    steps = erasure.Erasure(
        world.registry,
        stand.servers,
        world.secrets,
        BackupRemoval(s3, BUCKET),
        stand.users,
        certificates,
        stand.usage_plans,
    ).steps()
    Performer(stand.store, stand.leases, {erasure.KIND: steps}).perform(operation.operation_id)
    left = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert left == [f"tenants/{old}-prod/backups/1/dump.zst"]
    (certificate,) = certificates.of(new)
    assert certificate["found"]["former_ids"] == [old.value]
    assert certificate["deleted"]["backup_versions"] == 2
    assert list(certificates.of(old)) == [certificate]
    # It stays nobody's: what an object lock has kept may still lie under it.
    with pytest.raises(Conflict):
        tenants(stand).create(NewTenant(old, Wanted()))


def test_rows_that_refer_to_each_other_go_along(stand: Stand) -> None:
    old, new, neighbour = stand.make(Isolation.POOLED), stand.free_id(), TenantId("the-neighbour")
    key = "tenant_id text NOT NULL, id int, PRIMARY KEY (tenant_id, id)"
    # The child's name comes before its parent's, and so does its turn.
    tables = f"""CREATE TABLE z_parents ({key});
        CREATE TABLE a_children ({key}, parent int, FOREIGN KEY (tenant_id, parent)
            REFERENCES z_parents (tenant_id, id) DEFERRABLE INITIALLY IMMEDIATE)"""
    stand.world.execute(tables, POOL_DATABASE, POOL_ROLE)
    try:
        for tenant_id in (old, neighbour):
            fill = (
                f"INSERT INTO z_parents VALUES ('{tenant_id}', 1); INSERT INTO a_children VALUES ('{tenant_id}', 2, 1)"
            )
            stand.world.execute(fill, POOL_DATABASE, POOL_ROLE)
        assert stand.rename(old, new).facts["rows"] == 5
        for table in ("z_parents", "a_children"):
            owners = stand.world.execute(f"SELECT tenant_id FROM {table}", POOL_DATABASE, POOL_ROLE)
            assert {owner for (owner,) in owners} == {new.value, neighbour.value}
    finally:
        stand.world.execute("DROP TABLE a_children, z_parents", POOL_DATABASE, POOL_ROLE)
