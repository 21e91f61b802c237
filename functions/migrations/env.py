"""Alembic's entry point: runs revisions in the transaction, the role and the schema that the caller has set up.

It has no database URL: `tenantry.database.revisions` passes an open connection.
"""

from alembic import context

_given = context.config.attributes

context.configure(connection=_given["connection"], version_table_schema=_given["schema"])
context.run_migrations()
