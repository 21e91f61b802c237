-- A sequence's last value and whether it was given out, by its OID: a name might mean something else by now. What has given
-- out no value yet tells only where it starts.
SELECT coalesce(pg_sequence_last_value(s.seqrelid), s.seqstart), pg_sequence_last_value(s.seqrelid) IS NOT NULL
FROM pg_sequence s
WHERE s.seqrelid = %s
