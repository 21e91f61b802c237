-- Notes a schema's first revision, in the table in which Alembic keeps it, as Alembic makes it. It stays when that revision
-- is taken back.
CREATE TABLE IF NOT EXISTS {table} (
    version_num varchar(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO {table} (version_num) VALUES ({reached})
