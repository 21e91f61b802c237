"""Revisions written for one tenant make tables that many can share, even if there are rows already."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Home, Isolation, TenantId
from tenantry.homes.factory import home_admin
from tenantry.homes.home_admin import HomeAdmin
from tenantry.servers.server_admin import ServerAdmin
from tests.integration.conftest import REVISIONS, World
from tests.integration.homes.conftest import new_id, rows

REVISION = """
from alembic import op

revision, down_revision = "{number}", "{before}"


def upgrade() -> None:
{statements}
"""
SECOND = [
    "CREATE TABLE interviews (id int PRIMARY KEY, at date, candidate_id bigint)",
    "ALTER TABLE interviews ADD FOREIGN KEY (candidate_id) REFERENCES candidates (id) ON DELETE CASCADE",
    "CREATE TABLE notes (id int PRIMARY KEY, of int REFERENCES interviews ON DELETE SET NULL, tags text[], body text)",
    "CREATE INDEX ON interviews (at) INCLUDE (candidate_id) WHERE at IS NOT NULL",
    "CREATE UNIQUE INDEX ON notes (lower(body))",
    "CREATE INDEX notes_tags ON notes USING gin (tags)",
    "ALTER TABLE candidates ADD UNIQUE NULLS NOT DISTINCT (name, phone)",
    "CREATE VIEW names AS SELECT name FROM candidates",
]
PERSON = "INSERT INTO candidates (id, name, job_role, email) OVERRIDING SYSTEM VALUE VALUES ({n}, '{t}{n}', 'x', '{n}')"


class Stand:
    """A pool of its own with two tenants, over revisions to which a test may add."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.database = f"pool_{uuid.uuid4().hex[:8]}"
        self.admin = ServerAdmin(world.admin)
        self.tenants = [new_id("q"), new_id("r")]
        for tenant in self.tenants:
            self.admin.make_roles(tenant, f"{tenant}_login_a", "of a test", 5)

    def home(self, tenant: TenantId) -> HomeAdmin:
        place = Home("local", Isolation.POOLED, self.database, "public")
        return home_admin(tenant, place, self.world.admin)

    def make(self) -> None:
        for tenant in self.tenants:
            self.home(tenant).make()

    def revise(self, *statements: str) -> None:
        number = len(list(self.folder.glob("0*.py"))) + 1
        text = "\n".join(f"    op.execute({statement!r})" for statement in statements)
        revision = REVISION.format(number=f"{number:04}", before=f"{number - 1:04}", statements=text)
        (self.folder / f"{number:04}_more.py").write_text(revision)

    def upgrade(self) -> str:
        return self.home(self.tenants[0]).upgrade()

    def run(self, tenant: TenantId, statement: str, role: str = "editor") -> list[Any]:
        server = self.world.server
        login = Credentials(server.host, server.port, self.database, f"{tenant}_login_a", "of a test")
        return rows(self.world, login, statement, f"{tenant}_{role}")

    def look(self, statement: str) -> list[Any]:
        return self.world.execute(statement, self.database)

    def drop(self) -> None:
        self.world.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
        self.world.execute(f'DROP DATABASE IF EXISTS "{self.database}_draft" WITH (FORCE)')
        for tenant in self.tenants:
            for suffix in ("dump", "count", "login_a", "login_b", "viewer", "editor", "owner"):
                self.world.execute(f'DROP ROLE IF EXISTS "{tenant}_{suffix}"')


@pytest.fixture
def stand(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    copy = Path(shutil.copytree(REVISIONS, tmp_path / "revisions", ignore=shutil.ignore_patterns("__pycache__")))
    monkeypatch.setenv("REVISIONS_DIRECTORY", str(copy))
    made = Stand(world, copy)
    yield made
    made.drop()


def assert_shaped(stand: Stand) -> None:
    assert stand.look(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "
        "AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1"
    ) == [("alembic_version",)]
    leading = stand.look(
        """SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
           JOIN pg_class c ON c.oid = x.indrelid
           LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] AND a.attname = 'tenant_id'
           WHERE c.relnamespace = 'public'::regnamespace AND a IS NULL ORDER BY 1"""
    )
    assert leading == [("alembic_version_pkc",), ("notes_tags",)]
    keys = stand.look("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' ORDER BY 1")
    assert keys == [
        ("FOREIGN KEY (tenant_id, candidate_id) REFERENCES candidates(tenant_id, id) ON DELETE CASCADE DEFERRABLE",),
        ("FOREIGN KEY (tenant_id, of) REFERENCES interviews(tenant_id, id) ON DELETE SET NULL (of) DEFERRABLE",),
    ]
    names = stand.look("SELECT conname FROM pg_constraint WHERE starts_with(conname, 'tenantry_single')")
    assert names == []


def test_a_pool_that_is_made_at_the_newest_revision(stand: Stand) -> None:
    stand.revise(*SECOND)
    stand.make()
    assert_shaped(stand)


def test_a_later_revision_finds_rows(stand: Stand) -> None:
    stand.make()
    first, second = stand.tenants
    for n, tenant in enumerate(stand.tenants):
        stand.run(tenant, PERSON.format(n=n, t=tenant))
    stand.revise(*SECOND)
    assert stand.upgrade() == stand.upgrade() == "0002"
    assert_shaped(stand)
    (person,) = stand.run(first, "SELECT id FROM candidates")
    stand.run(
        first, f"INSERT INTO interviews VALUES (1, now(), {person[0]}); INSERT INTO notes VALUES (1, 1, '{{a}}', 'b')"
    )
    stand.run(second, "INSERT INTO interviews VALUES (1); INSERT INTO notes VALUES (1, 1, '{a}', 'B')")
    with pytest.raises(Exception, match="foreign key"):
        # The other's: there is no such candidate.
        stand.run(second, f"UPDATE interviews SET candidate_id = {person[0]}")
    assert stand.run(first, "SELECT name FROM names", "viewer") == [(f"{first}{person[0]}",)]
    stand.run(first, "DELETE FROM candidates")
    assert stand.run(first, "SELECT id, of, tenant_id FROM notes") == [(1, None, first.value)]
    assert stand.run(second, "SELECT id, of, tenant_id FROM notes") == [(1, 1, second.value)]


def test_rows_that_refer_to_each_other_are_deleted(stand: Stand) -> None:
    stand.revise(
        *SECOND,
        "CREATE TABLE eggs (id int PRIMARY KEY, layer int)",
        "CREATE TABLE hens (id int PRIMARY KEY, origin int REFERENCES eggs (id))",
        "ALTER TABLE eggs ADD FOREIGN KEY (layer) REFERENCES hens (id)",
    )
    stand.make()
    for tenant in stand.tenants:
        stand.run(tenant, PERSON.format(n=1, t=tenant))
        stand.run(tenant, "INSERT INTO interviews VALUES (1, NULL, 1); INSERT INTO notes VALUES (1, 1)")
        stand.run(tenant, "INSERT INTO eggs VALUES (1); INSERT INTO hens VALUES (1, 1); UPDATE eggs SET layer = 1")
    first, second = stand.tenants
    assert (stand.home(first).size() or 0) > 0
    stand.home(first).drop()
    assert stand.home(first).size() is None
    for table in ("candidates", "interviews", "notes", "eggs", "hens"):
        assert stand.look(f"SELECT DISTINCT tenant_id FROM {table}") == [(second.value,)]


def test_keys_that_two_tenants_have(stand: Stand) -> None:
    stand.make()
    for tenant in stand.tenants:
        stand.run(tenant, PERSON.format(n=1, t=tenant))
    # Both have the id 1 now, so that nothing can refer to it alone; what says nothing of it goes on.
    stand.revise("ALTER TABLE candidates ADD COLUMN born date", "CREATE INDEX born ON candidates (born)")
    assert stand.upgrade() == "0002"
    for statement in (
        "CREATE TABLE x (i bigint REFERENCES candidates (id))",
        "CREATE UNIQUE INDEX ON candidates (email)",
    ):
        stand.revise(statement)
        with pytest.raises(Conflict) as refusal:
            stand.upgrade()
        assert "that two tenants have" in (refusal.value.details or "")
        (stand.folder / "0003_more.py").unlink()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("CREATE TABLE x (tenant_id int)", "x: its column tenant_id means something else"),
        ("CREATE MATERIALIZED VIEW x AS SELECT 1", "x: only ordinary tables"),
        ("CREATE TABLE x (i int) PARTITION BY LIST (i)", "x: only ordinary tables"),
        ("CREATE TABLE x () INHERITS (candidates)", "x: a table that inherits"),
        ("CREATE TABLE x (i int, EXCLUDE USING btree (i WITH =))", "x: the constraint"),
        ("CREATE TABLE x (i bigint REFERENCES candidates (id) ON UPDATE SET NULL)", "x: the foreign key"),
        ("CREATE FUNCTION x() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'", "x: a function"),
        ("CREATE POLICY p ON candidates USING (true)", "candidates: it has a policy"),
        (PERSON.format(n=1, t="x"), "a revision writes rows"),
        ("CREATE VIEW x AS SELECT id, name FROM candidates GROUP BY id", "something relies on a key"),
    ],
)
def test_what_cannot_be_shared_is_refused_and_nothing_is_changed(stand: Stand, statement: str, why: str) -> None:
    stand.revise("CREATE TABLE y (i int)", statement)
    with pytest.raises(Conflict) as refusal:
        stand.make()
    assert refusal.value.code == "pool_unsupported"
    assert why in (refusal.value.details or "")
    assert stand.world.execute(f"SELECT 1 FROM pg_database WHERE datname = '{stand.database}'") == []
    (stand.folder / "0002_more.py").unlink()
    stand.make()
    stand.revise("CREATE TABLE y (i int)", statement)
    with pytest.raises(Conflict) as refusal:
        stand.upgrade()
    assert refusal.value.code == "pool_unsupported"
    assert stand.look("SELECT to_regclass('y')") == [(None,)]
    assert stand.look("SELECT version_num FROM alembic_version") == [("0001",)]
