-- What a manifest says of a database that tenants share: the size is that of the schema, which in a pool is everybody's.
SELECT
    current_database(),
    current_setting('server_version'),
    (
        SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = {schema} AND c.relkind IN ('r', 'm', 'S')
    ),
    current_setting('server_encoding')
