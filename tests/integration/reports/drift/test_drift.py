"""The drift report: a fleet without drift passes, and each drift that is made on purpose is found."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenantry.domain.credentials import secret_name
from tenantry.domain.tenant import Home, Isolation, LeftBehind, TenantId, TenantStatus
from tenantry.reports.drift.findings import Drift
from tenantry.reports.drift.fleet_inventory import FleetInventory
from tests.integration.conftest import STAGE
from tests.integration.reports.conftest import ACME, BUCKET, SERVER, UMBRELLA, Fleet, key, user


def test_a_fleet_of_which_everything_agrees_passes(fleet: Fleet) -> None:
    report = fleet.drift()
    assert (report.findings, report.unchecked, report.passed) == ([], [], True)
    assert (report.tenants, report.servers) == (2, 1)
    assert json.loads(json.dumps(report.to_json()))["passed"] is True


def in_database(statement: str, database: str = "postgres") -> Callable[[Fleet], None]:
    return several((database, statement))


def several(*statements: tuple[str, str]) -> Callable[[Fleet], None]:
    def make(fleet: Fleet) -> None:
        for database, statement in statements:
            fleet.execute(statement, database)

    return make


def registered(**change: Any) -> Callable[[Fleet], None]:
    return lambda fleet: fleet.registry.put_tenant(replace(fleet.tenant(), **change))


def stored(**change: Any) -> Callable[[Fleet], None]:
    return lambda fleet: fleet.secrets.write(ACME, replace(fleet.credentials[ACME], **change))


def new_secret(name: str) -> Callable[[Fleet], None]:
    return lambda fleet: fleet.client.create_secret(Name=f"tenantry/{STAGE}/{name}", SecretString="{}")


def lost_secret(name: str) -> Callable[[Fleet], None]:
    return lambda fleet: fleet.client.delete_secret(
        SecretId=f"tenantry/{STAGE}/{name}", ForceDeleteWithoutRecovery=True
    )


def untag(fleet: Fleet) -> None:
    fleet.client.tag_resource(SecretId=secret_name(STAGE, ACME), Tags=[{"Key": "TenantId", "Value": "umbrella"}])


def garble(fleet: Fleet) -> None:
    fleet.client.put_secret_value(SecretId=secret_name(STAGE, ACME), SecretString="no JSON")


def leave_pending(fleet: Fleet) -> None:
    fleet.client.put_secret_value(SecretId=secret_name(STAGE, ACME), SecretString="{}", VersionStages=["AWSPENDING"])


def stop_rotation(fleet: Fleet) -> None:
    fleet.secret(ACME).rotation_enabled = False


def lose_backups(fleet: Fleet) -> None:
    for version in fleet.s3.list_object_versions(Bucket=BUCKET, Prefix="tenants/acme/")["Versions"]:
        fleet.s3.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])


def retag_key(fleet: Fleet) -> None:
    fleet.keys[0]["tags"]["TenantId"] = "umbrella"


def lose_key(fleet: Fleet) -> None:
    del fleet.keys[0]


LATER, SOON = timedelta(hours=40), timedelta(hours=3)
NOW = timedelta()
SHARED = ("postgres", "CREATE DATABASE tenantry_schemas")
type Made = tuple[Callable[[Fleet], Any], Drift, str, timedelta]

DRIFTS: dict[str, Made] = {
    "server": (registered(server_id="gone"), Drift.SERVER_UNKNOWN, "acme", NOW),
    "administrator": (lost_secret(f"servers/{SERVER}"), Drift.ADMINISTRATOR_MISSING, "", NOW),
    "secret": (lost_secret("tenants/acme"), Drift.SECRET_MISSING, "acme", NOW),
    "database": (in_database("DROP DATABASE acme WITH (FORCE)"), Drift.DATABASE_MISSING, "acme", NOW),
    "schema": (
        lambda f: (registered(isolation=Isolation.SCHEMA)(f), several(SHARED)(f)),
        Drift.SCHEMA_MISSING,
        "acme",
        NOW,
    ),
    "role": (in_database("ALTER ROLE acme_viewer RENAME TO somebody"), Drift.ROLE_MISSING, "acme", NOW),
    "key": (lose_key, Drift.USAGE_KEY_MISSING, "acme", NOW),
    "backups": (lose_backups, Drift.BACKUP_MISSING, "acme", LATER),
    "old backup": (lambda _: None, Drift.BACKUP_MISSING, "acme", LATER),
    "a secret of nobody": (new_secret("tenants/ghost"), Drift.SECRET_UNKNOWN, "ghost", NOW),
    "a secret of no name": (new_secret("tenants/No_Id"), Drift.SECRET_UNKNOWN, "", NOW),
    "an administrator of nothing": (new_secret("servers/gone"), Drift.ADMINISTRATOR_UNKNOWN, "", NOW),
    "a database of nobody": (
        several(("postgres", "CREATE DATABASE x1"), ("x1", "ALTER DATABASE x1 SET tenantry.tenant_id = 'ghost'")),
        Drift.DATABASE_UNKNOWN,
        "ghost",
        NOW,
    ),
    "an owner of nobody": (
        several(("postgres", "CREATE ROLE ghost_owner"), ("postgres", "CREATE DATABASE x2 OWNER ghost_owner")),
        Drift.DATABASE_UNKNOWN,
        "ghost",
        NOW,
    ),
    "a schema of nobody": (
        several(SHARED, ("tenantry_schemas", "CREATE SCHEMA ghost")),
        Drift.SCHEMA_UNKNOWN,
        "ghost",
        NOW,
    ),
    "a role of nobody": (in_database("CREATE ROLE ghost_login_b"), Drift.ROLE_UNKNOWN, "ghost", NOW),
    "a key of nobody": (
        lambda f: f.keys.append(key(f"tenantry-{STAGE}-ghost", "ghost")),
        Drift.USAGE_KEY_UNKNOWN,
        "ghost",
        NOW,
    ),
    "a user of nobody": (lambda f: f.users.append(user("a@b", "ghost")), Drift.USER_UNKNOWN, "ghost", NOW),
    "a user of no tenant": (lambda f: f.users.append(user("a@b")), Drift.USER_UNKNOWN, "", NOW),
    "backups of nobody": (lambda f: f.back_up("ghost"), Drift.BACKUPS_UNKNOWN, "ghost", NOW),
    "a secret's tags": (untag, Drift.TAGS_DISAGREE, "acme", NOW),
    "a key's tags": (retag_key, Drift.TAGS_DISAGREE, "acme", NOW),
    "an unreadable secret": (garble, Drift.SECRET_UNREADABLE, "acme", NOW),
    "the password": (in_database("ALTER ROLE acme_login_a PASSWORD 'another'"), Drift.LOGIN_REFUSED, "acme", NOW),
    "the right to connect": (
        in_database("REVOKE CONNECT ON DATABASE acme FROM acme_login_a"),
        Drift.LOGIN_REFUSED,
        "acme",
        NOW,
    ),
    "whose it says it is": (
        in_database("ALTER DATABASE acme SET tenantry.tenant_id = 'umbrella'"),
        Drift.DATABASE_IDENTITY,
        "acme",
        NOW,
    ),
    "a template": (in_database("ALTER DATABASE acme IS_TEMPLATE true"), Drift.DATABASE_TEMPLATE, "acme", NOW),
    "a limit": (in_database("ALTER ROLE acme_login_b CONNECTION LIMIT 3"), Drift.LOGIN_LIMIT, "acme", NOW),
    "the revision": (registered(schema_revision="0000"), Drift.SCHEMA_REVISION, "acme", NOW),
    "no revision": (in_database("DROP TABLE alembic_version", "acme"), Drift.SCHEMA_REVISION, "acme", NOW),
    "the structure": (
        in_database("ALTER TABLE candidates DROP COLUMN phone", "acme"),
        Drift.STRUCTURE,
        "acme",
        NOW,
    ),
    "rotation": (stop_rotation, Drift.ROTATION_OFF, "acme", NOW),
    "half a tenant": (registered(status=TenantStatus.PROVISIONING), Drift.TENANT_INCOMPLETE, "acme", NOW),
    "a dead move": (registered(relocation="01JBXKQ5S00000000000000000"), Drift.RELOCATION_LEFT, "acme", NOW),
    "a fence of a login": (
        in_database("ALTER ROLE acme_login_a IN DATABASE acme SET default_transaction_read_only = on"),
        Drift.FENCE_LEFT,
        "acme",
        NOW,
    ),
    "a fence of a database": (
        in_database("ALTER DATABASE acme SET default_transaction_read_only = true"),
        Drift.FENCE_LEFT,
        "acme",
        NOW,
    ),
    "a scratch database": (in_database("CREATE DATABASE scratch OWNER acme_owner"), Drift.DATABASE_LEFT, "acme", NOW),
    "a scratch schema": (several(SHARED, ("tenantry_schemas", "CREATE SCHEMA acme")), Drift.SCHEMA_LEFT, "acme", NOW),
    "roles where it lived": (registered(server_id="gone"), Drift.ROLE_LEFT, "acme", NOW),
    "the login of a copy": (in_database("CREATE ROLE acme_copy LOGIN"), Drift.ROLE_LEFT, "acme", NOW),
    "a pending version": (leave_pending, Drift.PENDING_LEFT, "acme", SOON),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_every_drift_is_found(fleet: Fleet, name: str) -> None:
    make, kind, tenant, age = DRIFTS[name]
    make(fleet)
    report = fleet.drift(datetime.now(UTC) + age)
    assert (kind, tenant) in {(finding.kind, finding.tenant) for finding in report.findings}, report
    assert not report.passed
    assert not report.unchecked
    # The other one's story is as it was, but where the clock was put forward for both.
    assert age or "umbrella" not in {finding.tenant for finding in report.findings}
    assert all(finding.hint and "{id}" not in finding.hint for finding in report.findings if finding.tenant)


def test_every_kind_is_made_on_purpose() -> None:
    made = {kind for _, kind, *_ in DRIFTS.values()} | {Drift.SECRET_DISAGREES, Drift.SERVER_TWICE}
    assert made == {*Drift}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "elsewhere.example.com"),
        ("port", 1),
        ("dbname", "umbrella"),
        ("schema", "other"),
        ("isolation", Isolation.SCHEMA),
        ("username", "acme_owner"),
    ],
)
def test_a_secret_that_says_something_else_is_found_and_not_followed(fleet: Fleet, field: str, value: Any) -> None:
    stored(**{field: value})(fleet)
    report = fleet.drift()
    assert [(f.kind, f.tenant, f.where) for f in report.findings] == [(Drift.SECRET_DISAGREES, "acme", field)]
    assert not report.unchecked


def test_one_that_is_being_erased_may_miss_everything(fleet: Fleet) -> None:
    registered(status=TenantStatus.ERASING)(fleet)
    lost_secret("tenants/acme")(fleet)
    fleet.execute("DROP DATABASE acme WITH (FORCE)")
    assert fleet.found(datetime.now(UTC)) == set()


def test_a_suspended_tenant_has_to_have_everything(fleet: Fleet) -> None:
    registered(status=TenantStatus.SUSPENDED)(fleet)
    assert fleet.drift().passed
    lose_key(fleet)
    assert fleet.found() == {(Drift.USAGE_KEY_MISSING, "acme")}


def test_what_a_tenant_can_go_back_to_is_expected(fleet: Fleet) -> None:
    fleet.execute("CREATE DATABASE acme_before OWNER acme_owner")
    fleet.execute("ALTER DATABASE acme_before SET default_transaction_read_only = on")
    assert fleet.found() == {(Drift.DATABASE_LEFT, "acme")}
    registered(former_home=Home(SERVER, Isolation.DATABASE, "acme_before", "public"))(fleet)
    assert fleet.drift().passed


def test_backups_of_a_former_name_are_expected(fleet: Fleet) -> None:
    fleet.back_up("formerly")
    assert fleet.found() == {(Drift.BACKUPS_UNKNOWN, "formerly")}
    registered(former_ids=(type(ACME)("formerly"),))(fleet)
    assert fleet.drift().passed


def test_a_backup_without_a_manifest_is_none(fleet: Fleet) -> None:
    lose_backups(fleet)
    fleet.s3.put_object(Bucket=BUCKET, Key="tenants/acme/backups/01/dump.zst", Body=b"x")
    late = datetime.now(UTC) + LATER
    (finding,) = [f for f in fleet.drift(late).findings if f.tenant == ACME.value]
    assert (finding.kind, finding.where) == (Drift.BACKUP_MISSING, "")


def test_keys_of_a_stage_with_a_longer_name_are_not_ours(fleet: Fleet) -> None:
    other = key(f"tenantry-{STAGE}-two-ghost", "ghost")
    other["tags"]["Stage"] = f"{STAGE}-two"
    fleet.keys.append(other)
    assert fleet.drift().passed


def test_a_secret_that_is_not_listed_yet_is_not_missing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets Manager lists what was made some minutes ago; by name it is found at once."""
    monkeypatch.setattr(FleetInventory, "secrets", lambda _: [])
    assert fleet.drift().passed

    lost_secret(f"servers/{SERVER}")(fleet)
    assert {finding.kind for finding in fleet.drift().findings} >= {Drift.ADMINISTRATOR_MISSING}


def test_what_can_not_be_read_is_told_and_stops_nothing(fleet: Fleet) -> None:
    admin = fleet.administrators.find(SERVER)
    assert admin
    fleet.administrators.write(SERVER, replace(admin, password="wrong"))
    new_secret("tenants/ghost")(fleet)
    report = fleet.drift()
    assert {finding.kind for finding in report.findings} == {Drift.SECRET_UNKNOWN}
    assert [(unread.what, unread.server, unread.code) for unread in report.unchecked] == [("server", SERVER, "28P01")]
    assert not report.passed
    assert admin.password not in json.dumps(report.to_json())


def test_a_tenant_whose_sessions_are_all_taken_is_unchecked(fleet: Fleet) -> None:
    fleet.execute("ALTER ROLE acme_login_a CONNECTION LIMIT 0")
    registered(limits=replace(fleet.tenant().limits, connections=0))(fleet)
    fleet.execute("ALTER ROLE acme_login_b CONNECTION LIMIT 0")
    report = fleet.drift()
    assert [(unread.tenant, unread.code) for unread in report.unchecked] == [("acme", "53300")]
    assert not report.findings


def test_no_tenant_is_looked_at_after_the_deadline(fleet: Fleet) -> None:
    report = fleet.audit().run(deadline=0)
    assert {(unread.tenant, unread.code) for unread in report.unchecked} == {
        (ACME.value, "out_of_time"),
        (UMBRELLA.value, "out_of_time"),
    }


def test_an_administrator_who_is_no_superuser_reads_all(fleet: Fleet) -> None:
    fleet.execute("CREATE ROLE keeper LOGIN CREATEROLE CREATEDB PASSWORD 'kept-by-me'")
    fleet.execute("GRANT CONNECT ON DATABASE postgres TO keeper")
    admin = fleet.administrators.find(SERVER)
    assert admin
    fleet.administrators.write(SERVER, replace(admin, username="keeper", password="kept-by-me"))
    assert fleet.drift().passed


def test_a_tenant_that_was_promoted_has_the_schema_that_it_had(fleet: Fleet) -> None:
    for schema in ("acme", "former"):
        registered(former_ids=(TenantId("former"),))(fleet)
        stored(schema=schema)(fleet)
        assert Drift.SECRET_DISAGREES not in {finding.kind for finding in fleet.drift().findings}


def test_one_server_under_two_ids_is_told_and_nobody_to_drop_what_lives_there(fleet: Fleet) -> None:
    """What is not the one id's is the other one's: each has all tenants of both."""
    fleet.registry.put_server(replace(fleet.place, server_id="twin", host="localhost"))
    administrator = fleet.administrators.find(SERVER)
    assert administrator
    fleet.administrators.write("twin", replace(administrator, host="localhost"))
    report = fleet.drift()
    told = {(finding.kind, finding.server, finding.where) for finding in report.findings}
    assert told == {(Drift.SERVER_TWICE, SERVER, "twin"), (Drift.SERVER_TWICE, "twin", SERVER)}
    assert report.unchecked == []
    # Also while one of them was moved to the other id, as it could be once.
    home = Home(SERVER, Isolation.DATABASE, ACME.value, "public")
    fleet.registry.put_tenant(replace(fleet.tenant(), server_id="twin", former_home=home))
    fleet.secrets.write(ACME, replace(fleet.credentials[ACME], host="localhost"))
    assert {finding.kind for finding in fleet.drift().findings} == {Drift.SERVER_TWICE}


def test_roles_of_a_place_that_was_left_behind_are_told_with_that_place(fleet: Fleet) -> None:
    """The server was lost, and registered again: an erasure takes all of it, and nobody drops role by role."""
    fleet.registry.put_server(replace(fleet.place, server_id="elsewhere", port=1))
    left = LeftBehind(ACME, Home(SERVER, Isolation.DATABASE, ACME.value, "public"))
    fleet.registry.put_tenant(replace(fleet.tenant(), server_id="elsewhere", left_behind=(left,)))
    here = {finding.kind for finding in fleet.drift().findings if finding.server == SERVER}
    assert here == {Drift.DATABASE_LEFT}
