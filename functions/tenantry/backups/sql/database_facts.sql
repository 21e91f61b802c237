-- The manifest's facts on the database and its collation, by their names there; servers before 17 name the locale's column
-- differently. What is said of the whole database is told of a tenant's own only.
SELECT
    current_database()::text AS name,
    current_setting('server_version') AS server_version,
    CASE WHEN %(own)s THEN pg_database_size(d.oid) END AS size_bytes,
    current_setting('server_encoding') AS encoding,
    current_setting('server_version_num')::int AS version,
    d.datcollate::text AS collation,
    d.datctype::text AS character_type,
    CASE d.datlocprovider
        WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE d.datlocprovider::text
    END AS locale_provider,
    coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale,
    to_jsonb(d) ->> 'daticurules' AS icu_rules,
    CASE WHEN %(own)s THEN CASE WHEN t.spcname = 'pg_default' THEN '' ELSE t.spcname::text END END AS tablespace,
    CASE WHEN %(own)s THEN coalesce(shobj_description(d.oid, 'pg_database'), '') END AS comment,
    CASE WHEN %(own)s THEN d.datconnlimit END AS connection_limit
FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace
WHERE d.datname = current_database()
