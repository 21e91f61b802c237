-- Of the objects of fingerprint.sql those that are something by themselves: not what is said of one, nor what a database is
-- set to. A text that is longer than a template's are is told by its length and hash, as a tenant can make any number of them.
SELECT
    kind,
    name,
    CASE WHEN octet_length(named) > %(longest)s THEN concat(octet_length(named), ' ', hashtextextended(named COLLATE "C", 0)) ELSE named END,
    CASE WHEN octet_length(own) > %(longest)s THEN concat(octet_length(own), ' ', hashtextextended(own COLLATE "C", 0)) ELSE own END,
    CASE WHEN octet_length(written) > %(longest)s THEN concat(octet_length(written), ' ', hashtextextended(written COLLATE "C", 0)) ELSE written END
FROM (
{objects}
) o (kind, name, named, own, written)
WHERE kind NOT IN ('comment', 'security label', 'setting')
