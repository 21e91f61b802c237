-- Whether this server can make a database with such a locale. A locale of the operating system is one that a setting may
-- name; whether the server was built with ICU can be told from the collations that it came with.
SELECT
    (SELECT count(*) FROM unnest(%(names)s::text[]) name WHERE set_config('lc_monetary', name, true) IS NULL) = 0
    AND (NOT %(icu)s OR EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i'))
