-- The same rows once more, later and under other ids: 100 MB apart, so no compressor's window sees both.
INSERT INTO applications
SELECT id + {round} * {rows}, name, replace(email, '@', '.' || {round} || '@'), phone, location, job_role,
       salary + {round}, applied_at + {round} * interval '1 day 17 minutes', profile, notes
FROM applications
WHERE id <= {rows};
