-- The revision that a tenant's own schema is at, as its owner: nobody else may read that table.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL ROLE {owner};
SELECT max(version_num) FROM {table}
