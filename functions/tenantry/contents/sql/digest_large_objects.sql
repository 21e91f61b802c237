-- How many large objects there are, and what is in them; their numbers are kept by a dump.
SELECT count(*), coalesce(sum(hashtextextended(encode(lo_get(oid), 'hex'), oid::bigint)), 0)::text
FROM pg_largeobject_metadata
