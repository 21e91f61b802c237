-- A temporary table with the columns that are copied, and nothing that would judge or change a row.
CREATE TEMPORARY TABLE tenantry_rows ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA;
GRANT SELECT ON pg_temp.tenantry_rows TO {role};
