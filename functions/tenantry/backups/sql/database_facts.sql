-- The manifest's facts on the database and its collation; servers before 17 name the locale's column differently.
SELECT current_database()::text, current_setting('server_version'), CASE WHEN %(own)s THEN pg_database_size(oid) END,
       current_setting('server_encoding'), current_setting('server_version_num')::int,
       datcollate::text, datctype::text,
       CASE datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE datlocprovider::text END,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
FROM pg_database d
WHERE datname = current_database()
