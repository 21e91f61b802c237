"""Revisions of every phase, run and taken back in a home of each model."""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tenantry.domain.errors import Conflict, InvalidSetting, StatementFailed
from tenantry.domain.revision import Step
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tenantry.homes.home_admin import HomeAdmin
from tenantry.revisions.history import History
from tenantry.revisions.lint.judging import lint
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import NOBODY, StepRun, Watch
from tests.integration.conftest import PROJECT, World
from tests.integration.homes.conftest import MODELS, home, new_id, provision
from tests.integration.revisions.conftest import Versions, add_documented, guide

ADD_COLUMN = 'op.add_column("candidates", sa.Column("note", sa.Text))'
DROP_COLUMN = 'op.drop_column("candidates", "note")'
BUILD = 'op.create_index("by_role", "candidates", ["job_role"], postgresql_concurrently=True, if_not_exists=True)'
DROP_INDEX = 'op.drop_index("by_role", postgresql_concurrently=True, if_exists=True)'
ODD = "100%\t'it''s' \\ %s :name ✓"


@pytest.fixture(params=MODELS)
def admin(own_world: World, versions: Versions, request: pytest.FixtureRequest) -> Iterator[HomeAdmin]:
    """A home at the first revision, with some rows. Its tables are at the first again in the end."""
    tenant_id = new_id("v")
    provision(own_world, tenant_id, request.param)
    found = home(own_world, tenant_id)
    fill(own_world, tenant_id, found.home, 25)
    yield found
    if (place := home(own_world, tenant_id)).revision() != "0001":
        place.migrate("0001", scripts())


def fill(world: World, tenant_id: TenantId, place: Home, rows: int) -> None:
    values = "job_role, email, name" + (", tenant_id" if place.isolation is Isolation.POOLED else "")
    whose = f", '{tenant_id}'" if place.isolation is Isolation.POOLED else ""
    world.execute(
        f"""INSERT INTO "{place.schema}".candidates ({values})
            SELECT 'x', i || '@{tenant_id}.example', 'n' {whose} FROM generate_series(1, {rows}) i""",
        place.database,
    )


def scripts() -> RenderedHistory:
    return RenderedHistory(History())


def ask(world: World, place: Home, statement: str) -> list[Any]:
    return world.execute(f'SET search_path = "{place.schema}"; {statement}', place.database)


def test_a_revision_is_run_and_taken_back(own_world: World, versions: Versions, admin: HomeAdmin) -> None:
    versions.add("0002", "0001", ADD_COLUMN, DROP_COLUMN)
    count = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'candidates'::regclass AND attname = 'note'"
    runs: list[StepRun] = []

    assert admin.migrate("0002", scripts(), Watch(runs.append)) == "0002"
    assert ask(own_world, admin.home, count) == [(1,)]
    assert admin.migrate("0001", scripts(), Watch(runs.append)) == "0001"
    assert ask(own_world, admin.home, count) == [(0,)]

    assert [(run.step.left, run.step.reached, run.lock_waits) for run in runs] == [
        ("0001", "0002", 0),
        ("0002", "0001", 0),
    ]
    assert all(run.seconds > 0 for run in runs)


def test_values_arrive_as_alembic_sends_them(own_world: World, versions: Versions, admin: HomeAdmin) -> None:
    """Alembic's own offline mode doubles percent signs, and writes blanks for tabs."""
    versions.add("0002", "0001", f'op.execute(sa.text("UPDATE candidates SET job_role = :v").bindparams(v={ODD!r}))')
    versions.add(
        "0003",
        "0002",
        f"""op.get_bind().execute(sa.text("SELECT 1")).scalar_one()
op.execute(sa.text("UPDATE candidates SET phone = :v").bindparams(v={ODD!r}))""",
    )
    rendered = scripts()
    steps = {step.revision_id: step for step in rendered.history.revisions}
    assert [len(steps), *steps] == [3, "0001", "0002", "0003"]

    assert admin.migrate("0003", rendered) == "0003"

    found = ask(own_world, admin.home, "SELECT DISTINCT job_role, phone FROM candidates WHERE phone IS NOT NULL")
    assert found == [(ODD, ODD)]


def test_what_fails_leaves_the_revision_before(own_world: World, versions: Versions, admin: HomeAdmin) -> None:
    reads = 'op.get_bind().execute(sa.text("SELECT 1")).scalar_one()'
    for number, (before, first) in enumerate((("0001", "pass"), ("0001", reads))):
        versions.add("0002", before, f'{first}\n{ADD_COLUMN}\nop.execute("SELECT 1 / 0")')
        with pytest.raises(StatementFailed) as refusal:
            admin.migrate("0002", scripts())
        assert refusal.value.code == "22012", number
        assert admin.revision() == "0001"
        assert "note" not in str(
            ask(own_world, admin.home, "SELECT attname FROM pg_attribute WHERE attrelid = 'candidates'::regclass")
        )


def test_an_index_is_built_without_a_transaction(own_world: World, versions: Versions, admin: HomeAdmin) -> None:
    versions.add("0002", "0001", BUILD, DROP_INDEX, in_transaction=False)
    leave_half_built(own_world, admin.home, "by_role")
    leave_half_built(own_world, admin.home, "by_role_of_somebody")

    assert admin.migrate("0002", scripts()) == "0002"

    query = """SELECT c.relname::text, i.indisvalid, pg_get_indexdef(i.indexrelid, 1, true),
                      pg_get_userbyid(c.relowner)::text
               FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
               WHERE i.indrelid = 'candidates'::regclass AND c.relname LIKE 'by_role%' ORDER BY 1"""
    is_pooled = admin.home.isolation is Isolation.POOLED
    (ours, theirs) = ask(own_world, admin.home, query)
    assert ours[1:3] == (True, "tenant_id" if is_pooled else "job_role")
    # In the pool all indexes are the application's, and led by the tenant.
    assert theirs[:2] == ("by_role_of_somebody", is_pooled)
    assert ours[3] == theirs[3]
    assert admin.migrate("0001", scripts()) == "0001"
    assert [name for name, *_ in ask(own_world, admin.home, query)] == ["by_role_of_somebody"]
    ask(own_world, admin.home, "DROP INDEX by_role_of_somebody")


def leave_half_built(world: World, place: Home, name: str) -> None:
    ask(world, place, f"CREATE INDEX {name} ON candidates (job_role)")
    owner = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'candidates'::regclass"
    ((role,),) = ask(world, place, owner)
    assert role
    ask(world, place, f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass")


def test_a_backfill_goes_on_where_it_stopped(own_world: World, versions: Versions, admin: HomeAdmin) -> None:
    batch = """UPDATE candidates SET phone = 'filled' WHERE ctid IN (
                   SELECT ctid FROM candidates WHERE phone IS DISTINCT FROM 'filled' LIMIT 10)"""
    versions.add("0002", "0001", "pass", phase="backfill", batch=batch, pause_seconds=0)
    left = "SELECT count(*) FROM candidates WHERE phone IS DISTINCT FROM 'filled'"
    ((before,),) = ask(own_world, admin.home, left)

    with pytest.raises(Conflict) as stopped:
        admin.migrate("0002", scripts(), Watch(is_over=lambda: True))
    assert stopped.value.code == "revision_unfinished"
    assert admin.revision() == "0001"
    assert ask(own_world, admin.home, left) == [(before - 10,)]

    runs: list[StepRun] = []
    assert admin.migrate("0002", scripts(), Watch(runs.append)) == "0002"
    assert [run.rows for run in runs] == [before - 10]
    assert ask(own_world, admin.home, left) == [(0,)]


def test_a_revision_that_cannot_be_taken_back_says_so(versions: Versions, admin: HomeAdmin) -> None:
    versions.add("0002", "0001", "pass", "raise NotImplementedError")
    admin.migrate("0002", scripts(), NOBODY)
    with pytest.raises(InvalidSetting, match="0002 has no downgrade"):
        admin.migrate("0001", scripts())
    assert admin.revision() == "0002"
    versions.add("0003", "0002", "raise NotImplementedError")
    with pytest.raises(InvalidSetting, match="0003 has no upgrade"):
        admin.migrate("0003", scripts())
    versions.add("0002", "0001", "pass", "pass")


def test_a_lock_that_somebody_holds_is_waited_for(own_world: World, versions: Versions, admin: HomeAdmin) -> None:
    versions.add("0002", "0001", ADD_COLUMN, DROP_COLUMN)
    runs: list[StepRun] = []
    with closing(own_world.server.connect(admin.home.database)) as holder, holder.cursor() as cursor:
        cursor.execute(f'SELECT FROM "{admin.home.schema}".candidates')
        with ThreadPoolExecutor(1) as pool:
            migrating = pool.submit(lambda: admin.migrate("0002", scripts(), Watch(runs.append)))
            while not own_world.execute("SELECT 1 FROM pg_locks WHERE NOT granted"):
                assert not migrating.done()
            while own_world.execute("SELECT 1 FROM pg_locks WHERE NOT granted"):
                assert not migrating.done()
            holder.rollback()
            assert migrating.result() == "0002"
    assert [run.lock_waits for run in runs] == [1]


@pytest.mark.parametrize("model", [Isolation.DATABASE, Isolation.SCHEMA])
def test_a_tenants_trigger_neither_gets_our_rights_nor_hides_what_it_does(
    own_world: World, versions: Versions, model: Isolation
) -> None:
    tenant_id = new_id("v")
    provision(own_world, tenant_id, model)
    versions.add("0002", "0001", "pass")
    found = home(own_world, tenant_id)
    ask(
        own_world,
        found.home,
        f"""SET ROLE "{owner_role(tenant_id)}";
            CREATE TABLE seen (who text, super boolean);
            CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO "{found.home.schema}".seen
                    SELECT session_user, rolsuper FROM pg_roles WHERE rolname = session_user;
                NEW.version_num := OLD.version_num; RETURN NEW; END $$;
            CREATE TRIGGER back BEFORE UPDATE ON alembic_version FOR EACH ROW EXECUTE FUNCTION back()""",
    )

    with pytest.raises(Conflict) as refusal:
        found.migrate("0002", scripts())

    assert refusal.value.code == "revision_not_kept"
    assert ask(own_world, found.home, "SELECT DISTINCT who, super FROM seen") == [(f"{tenant_id}_copy", False)]


def test_the_documented_changes_are_run_and_taken_back(own_world: World, versions: Versions, admin: HomeAdmin) -> None:
    add_documented(versions, "## Add a table that every tenant has", "## Change tables that are in use")
    assert [one.findings for one in lint(scripts())] == [()] * 8
    ask(own_world, admin.home, "UPDATE candidates SET phone = '+91 5'")

    assert admin.migrate("0008", scripts()) == "0008"
    assert ask(own_world, admin.home, "SELECT DISTINCT phone_number FROM candidates") == [("+915",)]
    query = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'candidates'::regclass AND attname ~ '^phone'"
    assert ask(own_world, admin.home, query) == [(1,)]
    assert admin.migrate("0001", scripts()) == "0001"
    assert ask(own_world, admin.home, query) == [(1,)]


def test_the_documented_first_revision_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVISIONS_DIRECTORY", str(tmp_path))
    add_documented(Versions(tmp_path), "## Replace the sample by your own tables")
    (linted,) = lint(scripts())
    assert (linted.revision, linted.findings) == ("0001", ())


@pytest.mark.parametrize(
    "heading", ["## Add a table that every tenant has", "## Replace the sample by your own tables"]
)
def test_the_documented_command_makes_the_file(versions: Versions, heading: str) -> None:
    (command,) = re.findall(r"```bash\n *(make revision NAME=\"(\w+)\")\n", guide(heading))
    # The environment is there already: it is not to be made anew under this test.
    ready = command[0].replace("make", "make -o .venv/.ready")
    subprocess.run(["bash", "-c", ready], cwd=PROJECT, check=True, capture_output=True)
    assert (versions.path / f"0002_{command[1]}.py").exists()


def test_alembics_own_offline_mode_works(versions: Versions) -> None:
    versions.add("0002", "0001", ADD_COLUMN, DROP_COLUMN)
    command = [sys.executable, "-m", "alembic", "-x", "a=b", "upgrade", "head", "--sql"]
    made = subprocess.run(
        command, cwd=PROJECT, env={"PYTHONPATH": "functions"}, capture_output=True, text=True, check=True
    )
    assert "CREATE TABLE candidates" in made.stdout


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"phase": "expanding"}, "its phase is expand, backfill or contract"),
        ({"phase": "backfill"}, "a backfill has a statement"),
        ({"batch": "UPDATE x SET y = 1"}, "a backfill has a statement"),
        ({"pause_seconds": -1}, "its pause_seconds are 0 to 60"),
        ({"pause_seconds": "soon"}, "its pause_seconds are 0 to 60"),
        ({"in_transaction": "no"}, "its in_transaction is True or False"),
        ({"batch": 5, "phase": "backfill"}, "its batch is a text, and not empty"),
        ({"safety_assured": True}, "its safety_assured is a text, and not empty"),
        ({"safety_assured": " "}, "its safety_assured is a text, and not empty"),
    ],
)
def test_what_a_file_says_wrong_of_itself_is_told(versions: Versions, fault: dict[str, Any], told: str) -> None:
    versions.add("0002", "0001", "pass", **fault)
    with pytest.raises(InvalidSetting, match=told):
        History()


def test_a_file_that_can_not_be_read_or_stands_beside_the_line_is_told(versions: Versions) -> None:
    file = versions.add("0002", "0001", "pass")
    versions.add("0003", "0001", "pass")
    with pytest.raises(InvalidSetting):
        History()
    file.write_text("revision = ")
    with pytest.raises(InvalidSetting, match="can't be read"):
        History()


def test_leaving_the_transaction_has_to_be_said(versions: Versions) -> None:
    versions.add("0002", "0001", 'with op.get_context().autocommit_block():\n    op.execute("VACUUM")')
    rendered = scripts()

    with pytest.raises(InvalidSetting, match="set in_transaction = False"):
        rendered.render(Step(rendered.history.revisions[1]))
