-- The number of large objects, and a digest of their content that includes their OIDs, which a dump preserves. Each is read in
-- pieces of so many bytes, the last of which is shorter, so that no more than one piece is in memory.
WITH RECURSIVE pieces (object, number, length, digest) AS (
    SELECT o.oid, 0::bigint, octet_length(p.piece), sha256(p.piece)
    FROM pg_largeobject_metadata o
    -- Without OFFSET each piece would be read once for its length and once for its digest.
    CROSS JOIN LATERAL (SELECT lo_get(o.oid, 0, %(bytes)s) AS piece OFFSET 0) p
    UNION ALL
    SELECT b.object, b.number + 1, octet_length(p.piece), sha256(p.piece)
    FROM pieces b
    CROSS JOIN LATERAL (SELECT lo_get(b.object, (b.number + 1) * %(bytes)s, %(bytes)s) AS piece OFFSET 0) p
    WHERE b.length = %(bytes)s
)
SELECT
    count(*) FILTER (WHERE number = 0),
    coalesce(
        sum(hashtextextended(number || ' ' || encode(digest, 'hex') COLLATE "C", object::bigint)),
        0
    )::text
FROM pieces
