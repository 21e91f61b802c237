-- The comment on a schema or, where none is named, on the database.
SELECT CASE WHEN %(schema)s::text IS NULL
       THEN shobj_description((SELECT oid FROM pg_database WHERE datname = current_database()), 'pg_database')
       ELSE obj_description((SELECT oid FROM pg_namespace WHERE nspname = %(schema)s), 'pg_namespace') END
