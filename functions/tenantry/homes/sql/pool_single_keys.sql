-- The keys that were unique before their table was shared: the table, and the columns without the tenant.
SELECT c.relname::text, array_agg(a.attname::text ORDER BY k.place)
FROM pg_index x
JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND t.attnum = x.indkey[0]
CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY k(num, place)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num
WHERE c.relnamespace = {schema}::regnamespace
  AND x.indisunique AND x.indpred IS NULL AND x.indexprs IS NULL
  AND k.place BETWEEN 2 AND x.indnkeyatts
GROUP BY c.relname, x.indexrelid
ORDER BY 1, 2
