-- The table in which Alembic keeps a schema's revision, as Alembic makes it. It stays when the first is taken back.
CREATE TABLE IF NOT EXISTS {table} (
    version_num varchar(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
