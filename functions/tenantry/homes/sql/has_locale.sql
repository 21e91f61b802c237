-- Whether this server can make a database with such a locale. A locale of the operating system is one that a setting may
-- name. A server that was built without ICU knows no version of its collations.
SELECT
    (SELECT count(*) FROM unnest(%(names)s::text[]) name WHERE set_config('lc_monetary', name, true) IS NULL) = 0
    AND (NOT %(icu)s OR EXISTS (
        SELECT FROM pg_collation WHERE collprovider = 'i' AND pg_collation_actual_version(oid) IS NOT NULL
    ))
