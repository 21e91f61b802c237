-- Lets a sequence go on where another was, if that is further on its way: what either has given does not come again.
SELECT setval(p.seqrelid, {value}, {called})
FROM {sequence} s, pg_sequence p
WHERE p.seqrelid = {name}::regclass
  AND NOT p.seqcycle
  AND {value} BETWEEN p.seqmin AND p.seqmax
  AND sign(p.seqincrement::numeric) * ({value}::numeric - s.last_value) > 0
