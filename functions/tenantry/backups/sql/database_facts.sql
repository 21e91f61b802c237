-- What a manifest says of the database and of what sorts its text: servers before 17 have another name for the locale.
SELECT current_database()::text, current_setting('server_version'), CASE WHEN %(own)s THEN pg_database_size(oid) END,
       current_setting('server_encoding'), current_setting('server_version_num')::int,
       datcollate::text, datctype::text,
       CASE datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE datlocprovider::text END,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
FROM pg_database d
WHERE datname = current_database()
