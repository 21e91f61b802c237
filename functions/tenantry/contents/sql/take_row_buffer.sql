-- Inserts the buffered rows as the tenant's, under the role that owns the shared tables.
SET LOCAL ROLE {role};
INSERT INTO {table} ({tenant}{others}) OVERRIDING SYSTEM VALUE
SELECT {tenant_id}{others} FROM pg_temp.tenantry_rows;
SET LOCAL ROLE NONE;
DROP TABLE pg_temp.tenantry_rows;
