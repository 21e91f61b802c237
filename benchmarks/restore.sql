-- The rows of applications.sql, normalised into several tables with keys, indexes and references.
CREATE TABLE jobs AS
SELECT row_number() OVER (ORDER BY job_role, location) AS id, job_role AS title, location
FROM (SELECT DISTINCT job_role, location FROM applications) AS offered;

CREATE TABLE applicants AS
SELECT id, name, email, phone, location FROM applications;

CREATE TABLE job_applications AS
SELECT a.id, a.id AS applicant_id, j.id AS job_id, a.salary, a.applied_at, a.profile
FROM applications AS a JOIN jobs AS j ON (j.title, j.location) = (a.job_role, a.location);

CREATE TABLE notes AS
SELECT id, id AS application_id, applied_at + interval '3 days' AS written_at, notes AS body FROM applications;

DROP TABLE applications;

ALTER TABLE jobs ADD PRIMARY KEY (id);
ALTER TABLE applicants ADD PRIMARY KEY (id);
ALTER TABLE applicants ADD UNIQUE (email);
CREATE INDEX ON applicants (name);
ALTER TABLE job_applications ADD PRIMARY KEY (id);
ALTER TABLE job_applications ADD FOREIGN KEY (applicant_id) REFERENCES applicants;
ALTER TABLE job_applications ADD FOREIGN KEY (job_id) REFERENCES jobs;
CREATE INDEX ON job_applications (applicant_id);
CREATE INDEX ON job_applications (job_id, applied_at);
ALTER TABLE notes ADD PRIMARY KEY (id);
ALTER TABLE notes ADD FOREIGN KEY (application_id) REFERENCES job_applications;
CREATE INDEX ON notes (application_id, written_at);
