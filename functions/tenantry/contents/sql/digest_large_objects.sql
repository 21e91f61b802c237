-- The number of large objects, and a digest of their content that includes their OIDs, which a dump preserves.
SELECT count(*), coalesce(sum(hashtextextended(encode(lo_get(oid), 'hex'), oid::bigint)), 0)::text
FROM pg_largeobject_metadata
