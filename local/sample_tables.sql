-- What docs/data-api.md asks for, beside the application's own table. The rows of `candidates` are there already.
CREATE TABLE companies (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO companies VALUES (1, 'Lotus'), (2, 'Harbour'), (3, 'Monsoon');

ALTER TABLE candidates
    ADD notes text,
    ADD skills text[] NOT NULL DEFAULT '{}',
    ADD profile jsonb,
    ADD company_id int REFERENCES companies,
    ADD manager_id bigint REFERENCES candidates ON DELETE SET NULL;
UPDATE candidates SET company_id = 1 + id % 2 WHERE id % 5 <> 0;
UPDATE candidates SET manager_id = 1 WHERE id IN (2, 3);
UPDATE candidates
SET notes = 'Knows postgres and queues',
    skills = '{python,sql}',
    profile = jsonb_build_object('skills', skills || '{sql}'::text[], 'source', 'referral', 'years', 2 + id % 7)
WHERE job_role LIKE '%Engineer';

CREATE TABLE tags (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO tags VALUES (1, 'new'), (2, 'remote');
CREATE TABLE candidates_tags (
    candidate_id bigint REFERENCES candidates ON DELETE CASCADE,
    tag_id int REFERENCES tags,
    PRIMARY KEY (candidate_id, tag_id)
);
INSERT INTO candidates_tags SELECT id, 1 + id % 2 FROM candidates WHERE id <= 5;

CREATE VIEW applicants AS SELECT id, name, company_id FROM candidates;
CREATE FUNCTION initials(candidates) RETURNS text LANGUAGE sql STABLE
    AS $$SELECT string_agg(left(word, 1), '') FROM regexp_split_to_table($1.name, '\s+') word$$;
CREATE FUNCTION newest(companies) RETURNS SETOF candidates ROWS 1 LANGUAGE sql STABLE
    AS 'SELECT * FROM candidates WHERE company_id = $1.id ORDER BY id DESC LIMIT 1';
CREATE FUNCTION add(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
CREATE FUNCTION candidates_in(place text) RETURNS SETOF candidates LANGUAGE sql STABLE
    AS 'SELECT * FROM candidates WHERE location = place';
CREATE FUNCTION total(VARIADIC numbers int[]) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS 'SELECT sum(n) FROM unnest(numbers) n';
CREATE FUNCTION echo(json) RETURNS json LANGUAGE sql IMMUTABLE AS 'SELECT $1';
