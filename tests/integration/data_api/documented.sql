CREATE TABLE companies (id int PRIMARY KEY, name text NOT NULL);
DELETE FROM candidates;
ALTER TABLE candidates
    ALTER location SET DEFAULT 'Pune',
    ADD notes text,
    ADD skills text[],
    ADD profile jsonb,
    ADD company_id int REFERENCES companies,
    ADD manager_id bigint REFERENCES candidates;
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE TABLE candidates_tags (
    candidate_id bigint REFERENCES candidates ON DELETE CASCADE,
    tag_id int REFERENCES tags,
    PRIMARY KEY (candidate_id, tag_id)
);
CREATE VIEW applicants AS SELECT id, name, company_id FROM candidates;
CREATE FUNCTION initials(candidates) RETURNS text LANGUAGE sql STABLE AS 'SELECT left($1.name, 1)';
CREATE FUNCTION newest(companies) RETURNS SETOF candidates ROWS 1 LANGUAGE sql STABLE
    AS 'SELECT * FROM candidates WHERE company_id = $1.id ORDER BY id DESC LIMIT 1';
CREATE FUNCTION add(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
CREATE FUNCTION candidates_in(place text) RETURNS SETOF candidates LANGUAGE sql STABLE
    AS 'SELECT * FROM candidates WHERE location = place';
CREATE FUNCTION total(VARIADIC numbers int[]) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS 'SELECT sum(n) FROM unnest(numbers) n';
CREATE FUNCTION echo(json) RETURNS json LANGUAGE sql IMMUTABLE AS 'SELECT $1';
INSERT INTO companies VALUES (1, 'Acme'), (2, 'Zeta'), (3, 'Empty');
INSERT INTO candidates (id, name, email, phone, location, notes, skills, profile, company_id, manager_id) VALUES
    (1, 'Asha Rao', 'asha@example.com', NULL, 'Pune', 'knows postgres', '{sql}', '{"skills": ["sql"], "source": "referral", "years": 4}', 1, NULL),
    (2, 'Bela Das', 'bela@example.com', '1', 'Goa', NULL, '{}', NULL, 1, 1),
    (3, 'Carl', 'carl@example.com', '2', NULL, NULL, NULL, NULL, 2, 1),
    (4, 'Dina', 'dina@example.com', '3', 'Pune', NULL, NULL, NULL, NULL, NULL);
SELECT setval('candidates_id_seq', 100);
INSERT INTO tags VALUES (1, 'new'), (2, 'old');
INSERT INTO candidates_tags VALUES (1, 1), (1, 2), (2, 2);
