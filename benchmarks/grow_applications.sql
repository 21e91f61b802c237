-- Adds the same rows again with other ids. The copies are 100 MB apart, beyond every compressor's window.
INSERT INTO applications
SELECT id + {round} * {rows}, name, replace(email, '@', '.' || {round} || '@'), phone, location, job_role,
       salary + {round}, applied_at + {round} * interval '1 day 17 minutes', profile, notes
FROM applications
WHERE id <= {rows};
