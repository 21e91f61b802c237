"""A tenant's schema in which everything spells the schema's name: what PostgreSQL keeps as text does not follow it."""

# To be run in the schema `{s}`, whose name needs no quotes.
NAMING = """
CREATE TABLE {s}.sales (amount int, kind text);
CREATE FUNCTION {s}.norm() RETURNS int LANGUAGE sql AS 'SELECT 100';
CREATE FUNCTION {s}.is_norm(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 <= {s}.norm()';
CREATE FUNCTION {s}.total() RETURNS bigint LANGUAGE plpgsql AS
    $$ BEGIN RETURN (SELECT sum(amount) FROM {s}.sales); END $$;
CREATE FUNCTION {s}.level(int) RETURNS int IMMUTABLE LANGUAGE plpgsql SET search_path = {s} AS
    $$ BEGIN RETURN $1 / norm(); END $$;
CREATE FUNCTION {s}.count_all() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.kind := format('%s of %s', TG_ARGV[0], (SELECT count(*) FROM {s}.sales)); RETURN NEW; END $$;
ALTER TABLE {s}.sales ADD CHECK ({s}.is_norm(amount)),
    ADD level int GENERATED ALWAYS AS ({s}.level(amount)) STORED,
    ADD note text DEFAULT {s}.norm()::text;
CREATE INDEX ON {s}.sales ({s}.level(amount));
CREATE TRIGGER counted BEFORE INSERT ON {s}.sales FOR EACH ROW EXECUTE FUNCTION {s}.count_all('{s}');
INSERT INTO {s}.sales (amount) VALUES (10), (20);
CREATE MATERIALIZED VIEW {s}.totals AS SELECT {s}.total() AS total, to_regclass('{s}.sales') IS NOT NULL AS is_there;
CREATE UNIQUE INDEX ON {s}.totals (total);
"""
# The live functions say something else by now, and the live rows too.
DAMAGE = """
UPDATE {s}.sales SET amount = 5;
CREATE OR REPLACE FUNCTION {s}.norm() RETURNS int LANGUAGE sql AS 'SELECT 7';
REFRESH MATERIALIZED VIEW {s}.totals;
"""
STATE = """
SELECT (SELECT array_agg((amount, kind, level, note)::text ORDER BY amount) FROM {s}.sales), {s}.total(), {s}.norm(),
       (SELECT array_agg(t::text) FROM {s}.totals t)
"""
