-- Always the same rows; enough voyages to page through.
INSERT INTO companies VALUES
    (1, 'Nordline', 1899, '{"city": "Bergen", "street": {"name": "Quay", "no": 7}, "zip": "5003"}'),
    (2, 'Blue Funnel', 1902, '{"city": "Hull"}'),
    (3, 'Idle & Sons', NULL, NULL),
    (4, 'Öresund "Star"', 1990, '[1, {"two": 2}]');
INSERT INTO harbours VALUES
    (1, 'Bergen', 'NO', 12, '1070-01-01', 11.50, true, '{north,deep}', '{"cranes": 4, "open": {"from": 6, "to": 22}}',
     '(60.3913,5.3221)'),
    (2, 'Hull', 'GB', 20, '1778-06-01', 10.40, false, '{east}', '{"cranes": 9, "names": ["Alexandra", "King George"]}',
     '(53.7446,-0.3326)'),
    (3, 'Malmö', 'SE', 8, '1775-05-05', 13.50, true, '{south,"two words"}', NULL, NULL),
    (4, 'Nowhere', 'XX', NULL, NULL, NULL, NULL, '{}', '{}', '(,)'),
    (5, 'Aarhus', 'DK', 15, '1845-01-01', 15.00, false, '{deep,east}', '{"cranes": null, "open": true}',
     '(56.1629,10.2039)');
INSERT INTO ships (id, name, kind, call, company_id, home_harbour_id, built, tonnage, flags, papers, seen) VALUES
    (1, 'Aurora', 'ferry', 'AUR', 1, 1, 1998, 12000.50, '{NO}',
     '{"class": "A", "crew": {"max": 40, "names": ["Ada", "Bo"]}, "insured": true, "weights": [3, 1, 2]}',
     '2024-05-01 10:00+00'),
    (2, 'Borealis', 'ferry', 'BOR', 1, 1, 1999, 11800.00, '{NO,SE}',
     '{"class": "B", "crew": {"max": 38}, "insured": false, "weights": []}', '2024-05-02 11:30+00'),
    (3, 'Cormorant', 'cutter', NULL, 2, 2, 1975, 90.25, '{}', '{"class": "C", "insured": null}', NULL),
    (4, 'Dolphin', 'tug', 'DOLF', NULL, 3, 2010, 310.00, NULL, NULL, '2023-11-11 00:00+00'),
    (5, 'Ebba', 'tanker', 'EB', 2, NULL, 2005, 54000.75, '{SE,DK,FI}', '[1, 2, 3]', '2024-01-15 08:00+00'),
    (6, 'Falke', 'cutter', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
ALTER TABLE ships ALTER id SET START WITH 101 RESTART;
UPDATE ships SET sister_id = 2 WHERE id = 1;
UPDATE ships SET sister_id = 1 WHERE id = 2;
UPDATE ships SET sister_id = 2 WHERE id = 5;
INSERT INTO ship_registers VALUES (1, 'N-1', '1998-04-01'), (2, 'N-2', '1999-04-01'), (5, 'G-7', NULL);
INSERT INTO captains VALUES (1, 'Astrid', 1, NULL), (2, 'Birger', 2, 1), (3, 'Cecilia', NULL, 1), (4, 'Dag', 4, 2);
INSERT INTO voyages
SELECT i, 1 + i % 5, 1 + i % 3, CASE WHEN i % 7 = 0 THEN NULL ELSE 1 + (i + 1) % 5 END,
       timestamptz '2024-01-01 06:00+00' + i * interval '5 hours', CASE WHEN i % 10 = 0 THEN NULL ELSE i % 9 END,
       (i * 37 % 1000) / 4.0, CASE WHEN i % 6 = 0 THEN 'rough sea, day ' || i END
FROM generate_series(1, 360) i;
INSERT INTO cargo_kinds VALUES ('COAL', 'Coal', 1), ('FISH', 'Fish', 0), ('OIL', 'Crude oil', 5), ('TEA', 'Tea', 0);
INSERT INTO voyage_cargo SELECT i, 'COAL', i * 1.5 FROM generate_series(1, 360, 3) i;
INSERT INTO voyage_cargo SELECT i, 'FISH', i FROM generate_series(1, 360, 4) i;
INSERT INTO voyage_cargo SELECT i, 'OIL', i * 10 FROM generate_series(1, 360, 9) i;
INSERT INTO sailors VALUES (1, 'Ida', '{en,no}'), (2, 'Jon', '{no}'), (3, 'Kai', NULL), (4, 'Lea', '{}');
INSERT INTO shifts VALUES (1, 1, 8), (1, 2, 4), (2, 1, 12), (3, 5, 6);
INSERT INTO reserves VALUES (4, 1, '2024-01-01'), (2, 2, '2024-02-01');
INSERT INTO berths VALUES (1, 1, 120), (1, 2, 80.5), (2, 1, 200), (3, 1, 60);
INSERT INTO moorings VALUES
    (1, 1, 1, 1, '[2024-01-01,2024-01-10)'), (2, 1, 2, 2, '[2024-01-05,2024-01-07)'), (3, 2, 1, 5, '[2024-02-01,)'),
    (4, NULL, NULL, 3, 'empty');
INSERT INTO regions VALUES (1, 'Sea', NULL), (2, 'North', 1), (3, 'South', 1), (4, 'Fjord', 2), (5, 'Alone', NULL);
INSERT INTO sensors VALUES (1, 'tide'), (2, 'wind'), (3, 'silent');
INSERT INTO readings SELECT s, date '2023-12-30' + i, s * 10 + i FROM generate_series(1, 2) s, generate_series(0, 4) i;
INSERT INTO documents (id, title, body, data) VALUES
    (1, 'Rules', 'Ships must not anchor in the fairway.', '{"text": "anchor chain"}'),
    (2, 'Weather', 'Strong winds are expected; small ships stay in harbour.', '{"text": "wind"}'),
    (3, 'Meny', 'Fiskene er ferske i dag', NULL),
    (4, 'Blank', NULL, '{}'),
    (5, 'Tides', 'High tide and low tide: 100% of the fairway''s depth', '{"text": ["tide", "low"]}');
INSERT INTO ledger (amount, note) VALUES (10, 'first'), (20.5, NULL), (30, 'third');
ALTER TABLE ledger ALTER id SET START WITH 4 RESTART;
INSERT INTO notes (id, text, priority) VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', NULL), (4, 'four', 2);
ALTER TABLE notes ALTER id SET START WITH 201 RESTART;
INSERT INTO stock VALUES ('A', 'apples', 5), ('B', 'beams', 0), ('C', NULL, 9);
INSERT INTO offers VALUES (1, 'ferry', 10, 'first'), (1, 'tug', 20, 'second'), (2, 'ferry', 30, NULL);
INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (2, NULL), (NULL, 'z');
INSERT INTO "Odd Names" VALUES
    (1, 'up', 'hello', 'dot', 'comma', 'paren', 'colon', 'arrow', 3, 'sel', 'u', 'd', 1.5, 1),
    (2, 'UP', 'it''s "so"', 'a.b', 'a,b', '(a)', 'a:b', 'a->b', NULL, NULL, '_', '-', NULL, NULL);
INSERT INTO "häfen" VALUES (1, 'Überseeallee'), (2, '東京');
INSERT INTO vault VALUES (1, 'gold');
INSERT INTO staff VALUES (1, 'Mia', 1000), (2, 'Nils', 2000);
ALTER TABLE diaries NO FORCE ROW LEVEL SECURITY;
INSERT INTO diaries VALUES (1, 'someone', 'mine'), (2, 'another', 'theirs'), (3, 'someone', 'mine too');
ALTER TABLE diaries FORCE ROW LEVEL SECURITY;
ANALYZE;
