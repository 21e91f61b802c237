"""Revisions with which something is wrong, each with the rule that says so and the revisions that do it well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OUTSIDE = {"in_transaction": False}
CONTRACT = {"phase": "contract"}
FILL = {"phase": "backfill", "batch": "UPDATE candidates SET phone = '-' WHERE phone IS NULL"}
VALIDATE = ('op.execute("ALTER TABLE candidates VALIDATE CONSTRAINT c")', OUTSIDE)
CONCURRENTLY = "postgresql_concurrently=True, if_not_exists=True"
# An upgrade in Python, and what the revision says of itself.
Part = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Danger:
    """A revision with which something is wrong, the rule that says so, and the revisions that do it well."""

    rule: str
    upgrade: str
    mended: Sequence[Part | str] = ()
    says: Mapping[str, Any] | None = None
    tables: tuple[str, ...] = ("candidates",)


def sql(*statements: str) -> str:
    return "\n".join(f"op.execute({statement!r})" for statement in statements)


def column(kind: str, **more: object) -> str:
    options = "".join(f", {name}={value}" for name, value in more.items())
    return f'op.add_column("candidates", sa.Column("a", {kind}{options}))'


BUILT = f'op.create_index("i", "candidates", ["name"], unique=True, {CONCURRENTLY})'
BIG = [
    Danger(
        "adding-field-with-default",
        column("sa.Uuid", server_default='sa.text("gen_random_uuid()")'),
        [column("sa.Uuid") + '\nop.alter_column("candidates", "a", server_default=sa.text("gen_random_uuid()"))'],
    ),
    Danger(
        "adding-not-nullable-field",
        'op.alter_column("candidates", "phone", nullable=False)',
        [sql("ALTER TABLE candidates ADD CONSTRAINT c CHECK (phone IS NOT NULL) NOT VALID"), VALIDATE],
    ),
    Danger("changing-column-type", 'op.alter_column("candidates", "phone", type_=sa.BigInteger)', [column("sa.Text")]),
    Danger(
        "require-concurrent-index-creation",
        'op.create_index("i", "candidates", ["name"])',
        [(BUILT, OUTSIDE)],
    ),
    Danger(
        "constraint-missing-not-valid",
        'op.create_check_constraint("c", "candidates", "name <> phone")',
        ['op.create_check_constraint("c", "candidates", "name <> phone", postgresql_not_valid=True)', VALIDATE],
    ),
    Danger(
        "adding-foreign-key-constraint",
        'op.create_foreign_key("c", "candidates", "candidates", ["phone"], ["email"])',
        [
            'op.create_foreign_key("c", "candidates", "candidates", ["phone"], ["email"], postgresql_not_valid=True)',
            VALIDATE,
        ],
    ),
    Danger(
        "disallowed-unique-constraint",
        'op.create_unique_constraint("u", "candidates", ["name"])',
        [(BUILT, OUTSIDE), sql("ALTER TABLE candidates ADD CONSTRAINT u UNIQUE USING INDEX i")],
    ),
    Danger(
        "adding-serial-primary-key-field",
        sql("ALTER TABLE candidates ADD PRIMARY KEY (email)"),
        [(BUILT, OUTSIDE), sql("ALTER TABLE candidates ADD CONSTRAINT u PRIMARY KEY USING INDEX i")],
    ),
    Danger(
        "require-concurrent-reindex",
        sql("REINDEX TABLE candidates"),
        [(sql("REINDEX TABLE CONCURRENTLY candidates"), OUTSIDE)],
    ),
    Danger("table-rewritten", sql('ALTER TABLE candidates ADD "SET LOGGED" bigserial'), [column("sa.BigInteger")]),
    Danger("table-rewritten", sql("ALTER TABLE candidates ADD COLUMN a text, SET UNLOGGED"), [column("sa.Text")]),
    Danger("table-rewritten", sql("VACUUM (ANALYZE, FULL) candidates"), says=OUTSIDE),
    Danger("table-scanned", sql("ALTER TABLE candidates ADD a text CHECK (a <> '')"), [column("sa.Text")]),
    Danger("table-scanned", sql("ALTER TABLE candidates ATTACH PARTITION p DEFAULT")),
    Danger("validate-in-transaction", VALIDATE[0], [VALIDATE]),
    Danger("rows-changed-at-once", sql("UPDATE candidates SET phone = '-' WHERE phone IS NULL"), [("pass", FILL)]),
    Danger("rows-changed-at-once", sql("WITH old AS (SELECT 1) DELETE FROM candidates"), tables=()),
    Danger(
        "require-concurrent-refresh",
        sql("REFRESH MATERIALIZED VIEW m"),
        [sql("REFRESH MATERIALIZED VIEW CONCURRENTLY m")],
        tables=("m",),
    ),
]
BREAKING = [
    Danger(
        "adding-required-field",
        column("sa.Text", nullable=False),
        [column("sa.Text"), column("sa.Text", nullable=False, server_default='"-"')],
    ),
    Danger("renaming-column", 'op.alter_column("candidates", "phone", new_column_name="tel")', [column("sa.Text")]),
    Danger(
        "renaming-table",
        'op.rename_table("candidates", "people")',
        ['op.create_table("people", sa.Column("a", sa.Text))'],
    ),
    Danger(
        "ban-drop-column",
        'op.drop_column("candidates", "phone")',
        [('op.drop_column("candidates", "phone")', CONTRACT)],
    ),
    Danger("ban-drop-table", 'op.drop_table("candidates")', [('op.drop_table("candidates")', CONTRACT)]),
    Danger("ban-truncate", sql("TRUNCATE candidates"), [(sql("TRUNCATE candidates"), CONTRACT)]),
    Danger(
        "ban-drop-not-null",
        'op.alter_column("candidates", "name", nullable=True)',
        [('op.alter_column("candidates", "name", nullable=True)', CONTRACT)],
    ),
    Danger(
        "require-concurrent-index-deletion",
        'op.drop_index("i")',
        [('op.drop_index("i", postgresql_concurrently=True, if_exists=True)', OUTSIDE)],
        tables=(),
    ),
    Danger(
        "prefer-robust-stmts",
        'op.create_index("i", "candidates", ["name"], postgresql_concurrently=True)',
        [(BUILT, OUTSIDE)],
        says=OUTSIDE,
    ),
    Danger(
        "prefer-robust-stmts",
        sql("ALTER TABLE candidates ADD CONSTRAINT d CHECK (true) NOT VALID, VALIDATE CONSTRAINT c"),
        says=OUTSIDE,
    ),
    Danger("session-changed", sql("SET lock_timeout = 0"), tables=()),
    Danger("session-changed", sql("RESET ALL"), tables=()),
    Danger("syntax-error", sql("SELECT a b c"), tables=()),
    Danger("missing-downgrade", "pass", tables=()),
]
IMPOSSIBLE = [
    Danger("ban-concurrent-index-creation-in-transaction", BUILT, [(BUILT, OUTSIDE)]),
    Danger("not-in-a-transaction", 'op.drop_index("i", postgresql_concurrently=True)', tables=()),
    Danger("transaction-nesting", sql("SELECT 1; COMMIT; SELECT 2"), tables=()),
    Danger("leaves-transaction", "with op.get_context().autocommit_block():\n    op.execute('VACUUM')", tables=()),
    Danger("not-renderable-outside", "op.get_bind().execute(sa.text('SELECT 1')).one()", says=OUTSIDE, tables=()),
    Danger("missing-upgrade", "raise NotImplementedError", tables=()),
    Danger("batch-not-a-change", "pass", says=FILL | {"batch": "SELECT 1 FROM candidates FOR UPDATE"}, tables=()),
    Danger(
        "batch-not-a-change",
        "pass",
        says=FILL | {"batch": "WITH a AS (DELETE FROM candidates RETURNING 1) SELECT count(*) FROM a"},
        tables=(),
    ),
    Danger("batch-never-ends", "pass", says=FILL | {"batch": "UPDATE candidates SET phone = (SELECT '-' WHERE true)"}),
]
ALL = [*BIG, *BREAKING, *IMPOSSIBLE]
