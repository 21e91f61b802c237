"""The structure of homes of every model against what their revision makes: each kind of difference, and none."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from local.postgres_server import program
from tenantry.domain.tenant import POOL_DATABASE, SCHEMAS_DATABASE, Isolation, TenantId, new_home, owner_role
from tenantry.reports.drift.findings import Drift, DriftReport
from tenantry.reports.drift.references import References
from tenantry.revisions.history import History
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.scratch import SCRATCH_DATABASE
from tenantry.servers.server_admin import ServerAdmin
from tests.integration.conftest import REVISIONS
from tests.integration.reports.conftest import ACME, SERVER, UMBRELLA, Fleet
from tests.integration.revisions.conftest import Versions

STEPWISE, BY_SCHEMA, BY_ROW = TenantId("stepwise"), TenantId("by-schema"), TenantId("by-row")
SECOND = """
op.add_column("candidates", sa.Column("grade", sa.Integer, nullable=False, server_default="1"))
op.create_check_constraint("grade_is_small", "candidates", "grade < 100")
op.execute("CREATE VIEW grades AS SELECT grade, count(*) AS many FROM candidates GROUP BY grade")
op.execute("CREATE FUNCTION best() RETURNS int LANGUAGE sql RETURN (SELECT max(grade) FROM candidates)")
op.create_table("notes", sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("candidate", sa.BigInteger, sa.ForeignKey("candidates.id")))
"""
FILL = "UPDATE candidates SET phone = 'none' WHERE phone IS NULL"
BUILD = 'op.create_index("by_location", "candidates", ["location"], postgresql_concurrently=True)'
LAST = "0004"


@pytest.fixture(autouse=True, scope="module")
def versions(_revisions: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Four revisions: of each phase that leaves something, and one outside a transaction."""
    directory = tmp_path_factory.mktemp("versions")
    for file in REVISIONS.glob("*.py"):
        (directory / file.name).write_text(file.read_text())
    made = Versions(directory)
    made.add("0002", "0001", SECOND)
    made.add("0003", "0002", "pass", phase="backfill", batch=FILL, pause_seconds=0)
    made.add("0004", "0003", BUILD, in_transaction=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REVISIONS_DIRECTORY", str(directory))
        yield directory


def structures(report: DriftReport) -> dict[str, str]:
    """Return what differs, by tenant; all that was found is of this kind, and nothing was left out."""
    assert {finding.kind for finding in report.findings} <= {Drift.STRUCTURE}, report.findings
    assert not report.unchecked
    assert all(finding.server == SERVER for finding in report.findings)
    return {finding.tenant: finding.where.partition(f"at {LAST}: ")[2] for finding in report.findings}


def migrate(fleet: Fleet, tenant_id: TenantId, *targets: str) -> None:
    admin = ServerAdmin(fleet.admin).home(tenant_id, new_home(tenant_id, SERVER, Isolation.DATABASE))
    for target in targets:
        admin.migrate(target, RenderedHistory(History()))
        fleet.registry.put_tenant(replace(fleet.tenant(tenant_id), schema_revision=target))


def test_homes_agree_whatever_way_they_came_by_their_revision(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setenv("REVISIONS_DIRECTORY", str(REVISIONS))
        fleet.add(STEPWISE)
    fleet.execute("INSERT INTO candidates (name) VALUES ('Ada')", STEPWISE.value, owner_role(STEPWISE))
    migrate(fleet, STEPWISE, "0002", "0003", "0004")
    restore(fleet, ACME, UMBRELLA)
    fleet.add(BY_SCHEMA, Isolation.SCHEMA)
    fleet.add(BY_ROW, Isolation.POOLED)

    report = fleet.drift()

    assert (report.findings, report.unchecked, report.own_objects) == ([], [], [])
    assert report.compared == 5
    assert not fleet.execute("SELECT FROM pg_database WHERE datname = 'tenantry_reference'")


def restore(fleet: Fleet, source: TenantId, target: TenantId) -> None:
    """Bring one tenant's schema into another's database, as a restore does: by pg_dump's text."""
    place = f"host={fleet.server.host} port={fleet.server.port} user={fleet.server.admin_user} dbname={source}"
    dump = subprocess.run(
        [program("pg_dump"), "--inserts", "--no-owner", "--no-privileges", "--schema=public", "--dbname", place],
        env={"PGPASSWORD": fleet.server.admin_password},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    text = "\n".join(line for line in dump.splitlines() if not line.startswith("\\"))
    fleet.execute(f"DROP SCHEMA public CASCADE; SET ROLE {owner_role(target)}; {text}", target.value)


# Each with what the report says of it, in the report's order.
CHANGES = {
    "DROP TABLE notes": "missing table {}.notes, missing index {}.notes_pkey, missing sequence {}.notes_id_seq",
    "DROP INDEX by_location": "missing index {}.by_location",
    "ALTER TABLE candidates DROP COLUMN email": "missing column {}.candidates.email, "
    "missing constraint {}.candidates.candidates_email_key, missing index {}.candidates_email_key",
    "ALTER TABLE candidates ENABLE ROW LEVEL SECURITY": "changed table {}.candidates",
    "CREATE OR REPLACE VIEW grades AS SELECT grade, sum(1) many FROM candidates GROUP BY 1": "changed view {}.grades",
    "ALTER TABLE candidates ALTER grade SET DEFAULT 2": "changed column {}.candidates.grade",
    "ALTER TABLE candidates ALTER name DROP NOT NULL": "changed column {}.candidates.name",
    "ALTER TABLE candidates ALTER phone TYPE varchar(20)": "changed column {}.candidates.phone",
    "ALTER TABLE candidates DROP CONSTRAINT grade_is_small, "
    "ADD CONSTRAINT grade_is_small CHECK (grade < 99)": "changed constraint {}.candidates.grade_is_small",
    "CREATE OR REPLACE FUNCTION best() RETURNS int LANGUAGE sql RETURN 0": "changed function {}.best()",
}
# None of this is what a revision made.
OWN = """CREATE TABLE own (id int PRIMARY KEY); CREATE FUNCTION own() RETURNS int LANGUAGE sql RETURN 1;
    ALTER TABLE candidates ADD mine int; COMMENT ON TABLE candidates IS 'ours'; GRANT SELECT ON candidates TO PUBLIC;
    INSERT INTO candidates (name) VALUES ('Ada'); ANALYZE candidates"""
# The table, its column, its key and that one's index, the function, and the column of ours.
OWN_OBJECTS = 6


def test_each_change_of_what_a_revision_made_is_named(fleet: Fleet) -> None:
    changes = [*CHANGES]
    fleet.add(BY_SCHEMA, Isolation.SCHEMA)
    parts = {ACME: changes[:3], UMBRELLA: changes[3:], BY_SCHEMA: changes[1:7]}
    for tenant_id, statements in parts.items():
        database = SCHEMAS_DATABASE if tenant_id == BY_SCHEMA else tenant_id.value
        path = f'SET search_path = "{schema_of(tenant_id)}"; '
        fleet.execute(path + "; ".join([*statements, OWN]), database, owner_role(tenant_id))

    report = fleet.drift()

    found = structures(report)
    expected = {one.value: {*told(statements, one)} for one, statements in parts.items()}
    assert {tenant: {*text.split(", ")} for tenant, text in found.items()} == expected
    assert [(own.tenant, own.objects) for own in report.own_objects] == [
        (one, OWN_OBJECTS) for one in sorted(expected, reverse=True)
    ]


def schema_of(tenant_id: TenantId) -> str:
    return "by-schema" if tenant_id == BY_SCHEMA else "public"


def told(statements: list[str], tenant_id: TenantId) -> list[str]:
    return [text for one in statements for text in CHANGES[one].replace("{}", schema_of(tenant_id)).split(", ")]


def test_shared_tables_are_as_a_pool_of_that_revision(fleet: Fleet) -> None:
    fleet.add(BY_ROW, Isolation.POOLED)
    fleet.execute(
        """ALTER TABLE candidates DISABLE ROW LEVEL SECURITY; ALTER TABLE candidates ALTER tenant_id DROP DEFAULT;
           ALTER POLICY tenantry_administration ON candidates TO PUBLIC;
           DROP INDEX by_location; CREATE INDEX by_location ON candidates (location);
           CREATE TABLE "a\nstray" (a int)""",
        POOL_DATABASE,
    )
    report = fleet.drift()
    assert structures(report) == {
        "": "changed table public.candidates, changed column public.candidates.tenant_id, "
        "changed index public.by_location, changed policy roles public.candidates.tenantry_administration, "
        'added table public."a\\x0astray"'
    }
    assert report.own_objects == []


HOSTILE = """
CREATE SCHEMA evil;
CREATE FUNCTION evil.burn() RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''run''; END';
CREATE FUNCTION evil.quote_ident(name) RETURNS text LANGUAGE sql AS 'SELECT evil.burn()';
CREATE FUNCTION evil.octet_length(text) RETURNS int LANGUAGE sql AS 'SELECT evil.burn()::int';
CREATE FUNCTION evil.same(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT evil.burn()::boolean';
CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.same);
CREATE FUNCTION evil.name(name) RETURNS text LANGUAGE sql AS 'SELECT evil.burn()';
CREATE TABLE evil.pg_class (oid oid);
CREATE FUNCTION evil.long() RETURNS text LANGUAGE sql AS $long$SELECT '{}'$long$;
CREATE TABLE "evil"."\x1b[31m; DROP ROLE x'""\n@.candidates" ("@" int);
ALTER TABLE public.candidates RENAME COLUMN phone TO "\x1b@.candidates";
ALTER DATABASE acme SET search_path = evil, pg_catalog;
ALTER DATABASE acme SET quote_all_identifiers = on;
ALTER DATABASE acme SET statement_timeout = 1
"""


def test_nothing_of_a_tenants_is_run_nor_too_much(fleet: Fleet) -> None:
    for number in range(7):
        columns = ", ".join(f"a_{column} int" for column in range(1450))
        fleet.execute(f"CREATE TABLE many_{number} ({columns})", ACME.value, owner_role(ACME))
    fleet.execute(HOSTILE.replace("{}", "x" * 1_000_000), ACME.value, owner_role(ACME))

    report = fleet.drift()

    assert structures(report) == {ACME.value: "missing column public.candidates.phone"}
    assert [own.tenant for own in report.own_objects] == [ACME.value]
    assert report.own_objects[0].objects > 10_000


def test_a_home_that_cannot_be_read_does_not_end_the_report(fleet: Fleet) -> None:
    fleet.execute("DROP INDEX by_location", UMBRELLA.value)
    with closing(fleet.server.connect(ACME.value)) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE candidates")
        report = fleet.drift()
    assert [(unread.what, unread.tenant, unread.code) for unread in report.unchecked] == [("tenant", "acme", "55P03")]
    assert [(finding.tenant, finding.where) for finding in report.findings] == [
        ("umbrella", "at 0004: missing index public.by_location")
    ]


def test_a_home_is_compared_with_the_revision_that_it_is_at(fleet: Fleet) -> None:
    """Not with that of the registry, nor with one that nobody knows; and not where it was adopted."""
    fleet.execute("DROP INDEX by_location; UPDATE alembic_version SET version_num = '0003'", ACME.value)
    fleet.execute("UPDATE alembic_version SET version_num = 'none'", UMBRELLA.value)

    report = fleet.drift()

    assert {(finding.kind, finding.tenant) for finding in report.findings} == {
        (Drift.SCHEMA_REVISION, "acme"),
        (Drift.SCHEMA_REVISION, "umbrella"),
    }
    assert [(unread.tenant, unread.code) for unread in report.unchecked] == [("umbrella", "schema_unknown")]
    assert report.compared == 1

    fleet.registry.put_tenant(replace(fleet.tenant(UMBRELLA), adopted_database="umbrella"))
    assert fleet.drift().unchecked == []


def test_a_scratch_database_left_behind_is_made_anew_and_a_foreign_one_is_kept(fleet: Fleet) -> None:
    database = f"SELECT datname::text FROM pg_database WHERE datname = '{SCRATCH_DATABASE}'"
    fleet.execute(f"CREATE DATABASE {SCRATCH_DATABASE}")
    fleet.references = References()
    report = fleet.drift()
    assert {(unread.tenant, unread.code) for unread in report.unchecked} == {
        ("acme", "name_taken"),
        ("umbrella", "name_taken"),
    }
    assert fleet.execute(database)

    fleet.execute(f"COMMENT ON DATABASE {SCRATCH_DATABASE} IS 'tenantry server'")
    fleet.execute("CREATE TABLE left_behind ()", SCRATCH_DATABASE)
    fleet.references = References()
    assert fleet.drift().passed
    assert not fleet.execute(database)


def test_a_revision_that_fails_leaves_the_homes_before_it_compared(fleet: Fleet, versions: Path) -> None:
    fleet.references = References()
    fleet.execute("UPDATE alembic_version SET version_num = '0003'; DROP INDEX by_location", UMBRELLA.value)
    fleet.registry.put_tenant(replace(fleet.tenant(UMBRELLA), schema_revision="0003"))
    file = versions / "0004_made.py"
    text = file.read_text()
    file.write_text(text.replace('["location"]', '["nowhere"]'))
    try:
        report = fleet.drift()
    finally:
        file.write_text(text)
    assert [(unread.tenant, unread.code) for unread in report.unchecked] == [("acme", "42703")]
    assert (report.findings, report.compared) == ([], 1)
