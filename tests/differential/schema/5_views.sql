-- Views through which keys can be seen, and some through which they can't.
CREATE VIEW ferries AS SELECT id, name, company_id, home_harbour_id AS harbour_id, built FROM ships WHERE kind = 'ferry';
CREATE VIEW old_ferries AS SELECT id AS ship, name, company_id FROM ferries WHERE built < 1999;
CREATE VIEW voyage_list AS
    SELECT v.id, v.ship_id, v.from_harbour_id, s.name AS ship_name FROM voyages v JOIN ships s ON s.id = v.ship_id
    WHERE v.id <= 20;
CREATE VIEW fleet_sizes AS SELECT company_id, count(*) AS ships FROM ships GROUP BY company_id;
CREATE VIEW register_view AS SELECT ship_id, number FROM ship_registers;
CREATE MATERIALIZED VIEW harbour_traffic AS
    SELECT h.id AS harbour_id, h.name, count(v.id) AS departures
    FROM harbours h LEFT JOIN voyages v ON v.from_harbour_id = h.id GROUP BY h.id;
CREATE VIEW writable_notes AS SELECT id, text, priority FROM notes;
CREATE VIEW urgent_notes AS SELECT id, text, priority FROM notes WHERE priority <= 2 WITH CHECK OPTION;
CREATE VIEW stock_form AS SELECT code, label, quantity FROM stock;
CREATE FUNCTION keep_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stock (code, label, quantity) VALUES (new.code, new.label, coalesce(new.quantity, 77));
    RETURN new;
END $$;
CREATE TRIGGER keep_stock INSTEAD OF INSERT ON stock_form FOR EACH ROW EXECUTE FUNCTION keep_stock();

-- Columns and relations that a function computes.
CREATE FUNCTION full_title(ships) RETURNS text LANGUAGE sql STABLE AS $$ SELECT $1.kind || ' ' || $1.name $$;
CREATE FUNCTION age_in(ships) RETURNS int LANGUAGE sql STABLE AS $$ SELECT 2024 - $1.built $$;
CREATE FUNCTION is_large(harbours) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1.berth_count > 10 $$;
CREATE FUNCTION long_voyages(ships) RETURNS SETOF voyages LANGUAGE sql STABLE
    AS $$ SELECT * FROM voyages WHERE ship_id = $1.id AND days >= 8 $$;
CREATE FUNCTION sailing_ship(voyages) RETURNS SETOF ships ROWS 1 LANGUAGE sql STABLE
    AS $$ SELECT * FROM ships WHERE id = $1.ship_id $$;
CREATE FUNCTION first_captain(ships) RETURNS captains LANGUAGE sql STABLE
    AS $$ SELECT * FROM captains WHERE ship_id = $1.id LIMIT 1 $$;
-- It replaces the relation that the key makes.
CREATE FUNCTION sensors(readings) RETURNS SETOF sensors ROWS 1 LANGUAGE sql STABLE
    AS $$ SELECT * FROM sensors WHERE id = $1.sensor_id AND id > 1 $$;
