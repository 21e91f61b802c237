"""Revisions that endanger a tenant are found, by the real squawk, until they are mended as the hint says."""

import subprocess
from collections.abc import Sequence

import pytest

from tenantry.domain.revision import Step
from tenantry.revisions.findings import Finding, Level
from tenantry.revisions.history import History
from tenantry.revisions.lint.judging import lint
from tenantry.revisions.lint.rules import LEFT_OUT, TAKE_AWAY
from tenantry.revisions.lint.squawk import squawk_program
from tenantry.revisions.rendering import RenderedHistory
from tests.integration.revisions.conftest import Versions, copied_revisions
from tests.integration.revisions.dangers import ALL, BIG, FILL, IMPOSSIBLE, Danger, Part, column, sql


@pytest.fixture(scope="module")
def endangering(tmp_path_factory: pytest.TempPathFactory) -> dict[Danger, tuple[Finding, ...]]:
    """What is found in each of them: all are linted at once."""
    with copied_revisions(tmp_path_factory.mktemp("endangering")) as versions:
        parts = [(danger.upgrade, danger.says or {}) for danger in ALL]
        downgrades = ["raise NotImplementedError" if one.rule == "missing-downgrade" else "pass" for one in ALL]
        return dict(zip(ALL, findings(versions, parts, downgrades), strict=True))


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> dict[Danger, list[tuple[Finding, ...]]]:
    with copied_revisions(tmp_path_factory.mktemp("mended")) as versions:
        parts = [(danger, part if isinstance(part, tuple) else (part, {})) for danger in ALL for part in danger.mended]
        found = findings(versions, [part for _, part in parts])
        return {
            danger: [one for (other, _), one in zip(parts, found, strict=True) if other == danger] for danger in ALL
        }


def findings(versions: Versions, parts: Sequence[Part], downgrades: Sequence[str] = ()) -> list[tuple[Finding, ...]]:
    """Make a revision of each part, and lint them all."""
    for number, (upgrade, says) in enumerate(parts, 2):
        downgrade = downgrades[number - 2] if downgrades else "pass"
        versions.add(f"{number:04}", f"{number - 1:04}", upgrade, downgrade, **says)
    return [one.findings for one in lint(RenderedHistory(History()))[1:]]


@pytest.mark.parametrize("danger", ALL, ids=lambda one: one.rule)
def test_what_endangers_a_tenant_is_found(
    endangering: dict[Danger, tuple[Finding, ...]], mended: dict[Danger, list[tuple[Finding, ...]]], danger: Danger
) -> None:
    (found,) = [one for one in endangering[danger] if one.rule == danger.rule]

    assert found.tables == danger.tables
    assert (found.level, found.by_size, found.accepted) == (Level.ERROR, danger in BIG, "")
    assert mended[danger] == [()] * len(danger.mended)


def one_finding(versions: Versions, upgrade: str, **says: object) -> list[tuple[str, str, str]]:
    (found,) = findings(versions, [(upgrade, says)])
    return [(one.rule, one.level, one.accepted) for one in found]


def test_matters_of_taste_are_left_out(versions: Versions) -> None:
    columns = ("int", "smallint", "char(3)", "varchar(9)", "timestamp")
    added = ", ".join(f"ADD c{number} {kind}" for number, kind in enumerate(columns))
    tastes = sql(
        f"ALTER TABLE candidates {added}", "ALTER TYPE e ADD VALUE 'x'", "CREATE DOMAIN d AS text CHECK (true)"
    )
    assert one_finding(versions, tastes) == []


def test_a_finding_is_accepted_for_a_reason(versions: Versions) -> None:
    upgrade = f'{column("sa.Text", nullable=False)}\nop.drop_table("candidates")'
    assert one_finding(versions, upgrade, safety_assured="nobody has any rows") == [
        ("adding-required-field", "error", "nobody has any rows"),
        ("ban-drop-table", "error", "nobody has any rows"),
    ]


def test_what_can_not_be_run_is_not_accepted(versions: Versions) -> None:
    reason = {"safety_assured": "it has to be"}
    found = findings(versions, [(one.upgrade, {**(one.says or {}), **reason}) for one in IMPOSSIBLE])
    for danger, those in zip(IMPOSSIBLE, found, strict=True):
        assert [one.accepted for one in those if one.rule == danger.rule] == [""]


def test_squawks_own_ways_to_be_quiet_are_none(versions: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = sql("-- squawk-ignore ban-drop-table\nDROP TABLE candidates", "/* squawk-ignore-file */ SELECT 1")
    (versions.path / ".squawk.toml").write_text('excluded_rules = ["ban-drop-table"]')
    monkeypatch.chdir(versions.path)
    assert one_finding(versions, quiet) == [("ban-drop-table", "error", "")]


def test_a_table_that_the_revision_makes_is_empty(versions: Versions) -> None:
    made = sql(
        "CREATE TABLE new (id bigint)",
        "CREATE INDEX i ON new (id)",
        "ALTER TABLE new ADD COLUMN a text NOT NULL; ALTER TABLE new ALTER id TYPE int; ALTER TABLE new RENAME id TO b",
        "ALTER TABLE new ADD FOREIGN KEY (a) REFERENCES candidates (email); ALTER TABLE new ALTER b SET NOT NULL",
        "UPDATE new SET a = '-'; TRUNCATE new; DROP TABLE new",
    )
    assert one_finding(versions, made) == []


@pytest.mark.parametrize(
    "before",
    ["CREATE TABLE IF NOT EXISTS t (id bigint)", "CREATE TABLE t AS SELECT 1 AS id", "CREATE TABLE u (id bigint)"],
)
def test_a_table_that_may_be_old_is_not(versions: Versions, before: str) -> None:
    assert ("ban-drop-table", "error", "") in one_finding(versions, sql(before, "DROP TABLE t"))


def test_a_table_that_is_made_after_it_was_dropped_was_not_empty(versions: Versions) -> None:
    anew = sql("DROP TABLE candidates", "CREATE TABLE candidates (id bigint)")
    assert one_finding(versions, anew) == [("ban-drop-table", "error", "")]


@pytest.mark.parametrize(
    ("upgrade", "rule"),
    [
        ("op.get_bind().execute(sa.text('SELECT 1')).one()", "not-renderable"),
        (sql("DO $$ BEGIN EXECUTE 'DROP TABLE candidates'; END $$"), "hidden-in-code"),
    ],
)
def test_what_can_not_be_linted_is_told(versions: Versions, upgrade: str, rule: str) -> None:
    assert one_finding(versions, upgrade) == [(rule, "warning", "")]


def test_a_backfill_that_reads_is_an_error(versions: Versions) -> None:
    reads = "op.get_bind().execute(sa.text('SELECT 1')).one()"
    assert one_finding(versions, reads, **FILL) == [("not-renderable-backfill", "error", "")]


def test_a_downgrade_that_can_not_be_run_is_found(versions: Versions) -> None:
    (found,) = findings(versions, [("pass", {})], ['op.drop_index("i", postgresql_concurrently=True)'])
    assert [(one.rule, one.message.startswith("Its downgrade: ")) for one in found] == [("not-in-a-transaction", True)]


def test_a_comment_at_the_end_of_a_statement_hides_nothing(versions: Versions) -> None:
    upgrade = sql("SELECT 1 -- first", "DROP TABLE candidates -- then")
    assert one_finding(versions, upgrade) == [("ban-drop-table", "error", "")]
    rendering = RenderedHistory(History()).render(Step(History().revisions[1]))
    assert rendering
    assert rendering.text == "SELECT 1 -- first\n;\nDROP TABLE candidates -- then\n;\n"


def test_squawk_knows_the_rules_that_are_named_here() -> None:
    """It refuses to leave out a rule that it does not have."""
    ours = {"ban-truncate", "unused-ignore"}
    command = [squawk_program(), *(f"--exclude={rule}" for rule in sorted({*LEFT_OUT, *TAKE_AWAY} - ours))]
    done = subprocess.run(command, input="SELECT 1;", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


CHECK = "ALTER TABLE candidates ADD CONSTRAINT filled CHECK (phone IS NOT NULL) NOT VALID"
VALIDATED = "ALTER TABLE candidates VALIDATE CONSTRAINT filled"
SET = "ALTER TABLE candidates ALTER phone SET NOT NULL"


@pytest.mark.parametrize(
    ("before", "statement", "is_found"),
    [
        ((CHECK, VALIDATED), SET, False),
        ((CHECK.replace("phone", '"phone"'), VALIDATED, "ALTER TABLE candidates ADD n int"), SET, False),
        ((CHECK.replace(" NOT VALID", ""),), SET, False),
        ((CHECK,), SET, True),
        ((CHECK, VALIDATED), SET.replace("phone", "email"), True),
        ((CHECK.replace("NOT NULL)", "NOT NULL OR name = '')"), VALIDATED), SET, True),
        ((CHECK, VALIDATED, "ALTER TABLE candidates DROP CONSTRAINT filled"), SET, True),
        (
            (CHECK, VALIDATED, "ALTER TABLE candidates DROP COLUMN phone", "ALTER TABLE candidates ADD phone text"),
            SET,
            True,
        ),
        ((CHECK, VALIDATED), f"{SET}, DROP CONSTRAINT filled", True),
    ],
)
def test_a_column_that_is_proven_to_hold_no_null_is_not_read(
    versions: Versions, before: Sequence[str], statement: str, is_found: bool
) -> None:
    parts = [(sql(one), {"in_transaction": one != VALIDATED}) for one in (*before, statement)]
    *_, found = findings(versions, parts)
    assert ("adding-not-nullable-field" in {one.rule for one in found}) is is_found
