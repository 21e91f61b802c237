"""Alembic's entry point: runs revisions in the transaction, the role and the schema that the caller has set up.

It has no database URL: `tenantry.revisions.online` passes an open connection. `alembic upgrade head --sql` needs none.
"""

from alembic import context

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    _given = context.config.attributes
    context.configure(connection=_given["connection"], version_table_schema=_given["schema"])
    context.run_migrations()
