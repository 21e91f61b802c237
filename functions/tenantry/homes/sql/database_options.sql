-- What CREATE DATABASE said of a database. Servers before 17 name the provider's locale differently, and those before 16
-- know no rules. The tablespace is empty if it is the server's default.
SELECT
    pg_encoding_to_char(d.encoding)::text,
    CASE d.datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE '' END,
    d.datcollate::text,
    d.datctype::text,
    coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', ''),
    coalesce(to_jsonb(d) ->> 'daticurules', ''),
    CASE WHEN t.spcname = 'pg_default' THEN '' ELSE t.spcname::text END
FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace
WHERE d.datname = %s
