-- Advances a sequence to the position of another one if that is further ahead, so that no value of either comes again.
SELECT setval(p.seqrelid, {value}, {called})
FROM {sequence} s, pg_sequence p
WHERE p.seqrelid = {name}::regclass
  AND NOT p.seqcycle
  AND {value} BETWEEN p.seqmin AND p.seqmax
  AND sign(p.seqincrement::numeric) * ({value}::numeric - s.last_value) > 0
