"""The table of the integration tests' tenants: whatever the application's revisions become, tests find this one.

It asks for nothing but a name, so that a test can say only what it is about.
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
