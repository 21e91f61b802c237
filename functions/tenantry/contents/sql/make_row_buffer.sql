-- A temporary table with the copied columns, and no constraint, default or trigger that would reject or change a row.
CREATE TEMPORARY TABLE tenantry_rows ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA;
GRANT SELECT ON pg_temp.tenantry_rows TO {role};
