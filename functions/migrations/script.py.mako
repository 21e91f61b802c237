"""${message}."""

from alembic import op

revision = "${up_revision}"
down_revision = ${f'"{down_revision}"' if down_revision else None}

# What else a revision may say of itself; docs/developing.md has an example of each.
# - phase: "expand", which adds (so it is where nothing is said); "backfill", which fills what was added; or "contract",
#   which takes away what no deployed code uses any more.
# - in_transaction: False for what can't stand in a transaction, or not for long: CREATE INDEX CONCURRENTLY, VALIDATE.
# - batch: the statement of a backfill. It is repeated, in a transaction each, until it changes no row.
# - pause_seconds: how long to wait between two batches; 0.1 where nothing is said.
# - safety_assured: why it does no harm here that `make lint` finds something.


def upgrade() -> None:
    """Take the step."""
    raise NotImplementedError


def downgrade() -> None:
    """Take it back."""
    raise NotImplementedError
