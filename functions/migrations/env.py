"""Alembic's entry: runs revisions in the transaction, the role and the schema that the caller has set up.

There is no address of a database here: `tenantry.database.revisions` hands over an open connection.
"""

from alembic import context

_given = context.config.attributes

context.configure(connection=_given["connection"], version_table_schema=_given["schema"])
context.run_migrations()
