"""How squawk's rules are judged here: which do not count, and what to do about the others.

A rule that is not named here, such as one of a newer squawk, is an error and says itself what to do.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# The rule, and why it does not count.
LEFT_OUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "prefer-bigint-over-int": "A column's type is the application's choice: nobody waits, and nothing breaks.",
        "prefer-bigint-over-smallint": "A column's type is the application's choice.",
        "prefer-text-field": "A column's type is the application's choice.",
        "prefer-timestamp-tz": "A column's type is the application's choice.",
        "prefer-timestamptz": "Another name of the same rule.",
        "ban-char-field": "A column's type is the application's choice.",
        "prefer-identity": "Taste. That a new `serial` column rewrites a table is a rule of our own.",
        "require-enum-value-ordering": "At the end is a place, too.",
        "ban-create-domain-with-constraint": "A new domain has no tables: only a later check reads them.",
        "unused-ignore": "There are no comments that squawk heeds: a revision says `safety_assured`.",
    }
)

# Running code may count on what these take away: that is what a contract revision is for.
TAKE_AWAY: Final = frozenset(
    {
        "ban-drop-column",
        "ban-drop-constraint",
        "ban-drop-default",
        "ban-drop-domain",
        "ban-drop-function",
        "ban-drop-generated-expression",
        "ban-drop-not-null",
        "ban-drop-policy",
        "ban-drop-sequence",
        "ban-drop-table",
        "ban-drop-trigger",
        "ban-drop-type",
        "ban-drop-view",
        "ban-truncate",
    }
)

# They read, write or index every row while others wait.
BY_SIZE: Final = frozenset(
    {
        "adding-field-with-default",
        "adding-foreign-key-constraint",
        "adding-not-nullable-field",
        "adding-serial-primary-key-field",
        "ban-alter-domain-with-add-constraint",
        "changing-column-type",
        "constraint-missing-not-valid",
        "disallowed-unique-constraint",
        "require-concurrent-index-creation",
        "require-concurrent-refresh",
        "require-concurrent-reindex",
        "rows-changed-at-once",
        "table-rewritten",
        "table-scanned",
        "validate-in-transaction",
    }
)

# A revision with one of these can't be run, or does not end: there is no reason to accept that.
NEVER_ACCEPTED: Final = frozenset(
    {
        "ban-concurrent-index-creation-in-transaction",
        "ban-uncommitted-transaction",
        "batch-never-ends",
        "batch-not-a-change",
        "leaves-transaction",
        "missing-upgrade",
        "not-in-a-transaction",
        "not-renderable-outside",
        "transaction-nesting",
    }
)

# These are true of a table, too, that the same revision has made.
ALSO_ON_NEW_TABLES: Final = NEVER_ACCEPTED | {
    "ban-duplicate-column-assignments",
    "identifier-too-long",
    "prefer-robust-stmts",
    "syntax-error",
}

_CONTRACT: Final = 'Do it in a later revision with `phase = "contract"`, once no deployed code counts on it.'
_NOT_VALID: Final = (
    "Add the constraint `NOT VALID` (`postgresql_not_valid=True`), and `ALTER TABLE … VALIDATE CONSTRAINT …` in the"
    " next revision, with `in_transaction = False`."
)
_BY_INDEX: Final = (
    "Build a unique index concurrently in a revision with `in_transaction = False`, and in the next one"
    " `ALTER TABLE … ADD CONSTRAINT … {} USING INDEX …`."
)
_RENAMED: Final = (
    "Add the new one beside it, fill it in a backfill, and drop the old one in a contract revision: code that runs"
    " meanwhile knows only one of the names."
)

HINTS: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(TAKE_AWAY, _CONTRACT)
    | dict.fromkeys(("renaming-column", "renaming-table", "renaming-object", "ban-set-schema"), _RENAMED)
    | dict.fromkeys(("adding-foreign-key-constraint", "constraint-missing-not-valid", "table-scanned"), _NOT_VALID)
    | {
        "adding-field-with-default": "Add the column without a default, and set the default in the same revision, for"
        " new rows; fill the others in a backfill.",
        "adding-not-nullable-field": "Add `CHECK (… IS NOT NULL) NOT VALID` instead, and VALIDATE it in the next"
        " revision, with `in_transaction = False`. After that, a later revision may SET NOT NULL: no row is read then.",
        "adding-required-field": "Add the column nullable, or with a default that is the same for all rows.",
        "adding-serial-primary-key-field": _BY_INDEX.format("PRIMARY KEY"),
        "changing-column-type": "Add a column of the new type, fill it in a backfill, and drop the old one in a"
        " contract revision.",
        "disallowed-unique-constraint": _BY_INDEX.format("UNIQUE"),
        "prefer-robust-stmts": "Outside a transaction it is repeated after a failure: write IF [NOT] EXISTS and name"
        " the index, or move what can stand in a transaction to a revision of its own.",
        "require-concurrent-index-creation": "Use `postgresql_concurrently=True, if_not_exists=True` in a revision with"
        " `in_transaction = False`.",
        "require-concurrent-index-deletion": "Use `postgresql_concurrently=True, if_exists=True` in a revision with"
        " `in_transaction = False`.",
        "require-concurrent-reindex": "Use `REINDEX … CONCURRENTLY` in a revision with `in_transaction = False`.",
        "syntax-error": "Correct the statement. If PostgreSQL takes it, say so in `safety_assured`.",
        "transaction-nesting": "Leave BEGIN, COMMIT and ROLLBACK out: a revision is one transaction, or none with"
        " `in_transaction = False`.",
    }
)
