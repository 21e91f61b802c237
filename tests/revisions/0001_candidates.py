"""The table of the integration tests' tenants; it stays when the application's own revisions change.

Only a name is required, so that a test need not fill columns that do not concern it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "candidates",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("job_role", sa.Text),
        sa.Column("email", sa.Text, unique=True),
        sa.Column("phone", sa.Text),
        sa.Column("location", sa.Text),
    )


def downgrade() -> None:
    """Drop the table with its rows."""
    op.drop_table("candidates")
