-- Some 100 MB of an applicant tracking system's rows; the seed makes the random values the same in every run.
SELECT setseed(0.42);

CREATE TABLE applications (
    id         bigint NOT NULL,
    name       text NOT NULL,
    email      text NOT NULL,
    phone      text NOT NULL,
    location   text NOT NULL,
    job_role   text NOT NULL,
    salary     numeric(10, 2) NOT NULL,
    applied_at timestamptz NOT NULL,
    profile    jsonb NOT NULL,
    notes      text NOT NULL
);

INSERT INTO applications
SELECT
    n,
    given || ' ' || family,
    lower(given || '.' || family) || n || '@' || domain,
    '+91 ' || (60000 + floor(random() * 39999))::int || ' ' || (10000 + floor(random() * 89999))::int,
    city,
    job_role,
    400000 + floor(random() * 3200000),
    timestamptz '2024-01-01 00:00+00' + random() * interval '700 days',
    jsonb_build_object(
        'source', (ARRAY['referral', 'careers page', 'agency', 'job board', 'campus'])[1 + floor(random() * 5)::int],
        'skills', ARRAY[skill[1 + floor(random() * 12)::int], skill[1 + floor(random() * 12)::int],
                        skill[1 + floor(random() * 12)::int]],
        'experience_years', floor(random() * 22)::int,
        'notice_days', (ARRAY[0, 15, 30, 60, 90])[1 + floor(random() * 5)::int],
        'remote', random() < 0.4,
        'score', round((random() * 100)::numeric, 1),
        'token', md5(random()::text)
    ),
    phrase[1 + floor(random() * 14)::int] || '. ' || phrase[1 + floor(random() * 14)::int] || '. '
        || phrase[1 + floor(random() * 14)::int] || ' on ' || (date '2025-01-01' + floor(random() * 300)::int) || '.'
FROM (
    SELECT
        n,
        (ARRAY['Aanya', 'Rohan', 'Meera', 'Vikram', 'Ishita', 'Arjun', 'Kavya', 'Nikhil', 'Sana', 'Tarun', 'Hannah',
               'Marcus', 'Elena', 'Trevor', 'Priya', 'Jamal', 'Sofia', 'Anil', 'Divya', 'Farhan'])
            [1 + floor(random() * 20)::int] AS given,
        (ARRAY['Deshpande', 'Kulkarni', 'Pillai', 'Sethi', 'Banerjee', 'Reddy', 'Nair', 'Joshi', 'Qureshi', 'Bhatia',
               'Whitlock', 'Oyelaran', 'Vasquez', 'Lindqvist', 'Whitaker', 'Lindgren', 'Iyer', 'Menon', 'Khan', 'Das'])
            [1 + floor(random() * 20)::int] AS family,
        (ARRAY['example.com', 'example.org', 'example.net', 'mail.example.com'])[1 + floor(random() * 4)::int] AS domain,
        (ARRAY['Pune', 'Mumbai', 'Kochi', 'Gurugram', 'Kolkata', 'Hyderabad', 'Bengaluru', 'Nashik', 'Delhi',
               'Chandigarh', 'Richmond', 'Raleigh', 'Boston', 'Atlanta'])[1 + floor(random() * 14)::int] AS city,
        (ARRAY['Backend Engineer', 'Frontend Engineer', 'Data Engineer', 'Site Reliability Engineer',
               'Product Manager', 'UX Designer', 'QA Engineer', 'Security Engineer', 'Support Engineer',
               'Technical Writer'])[1 + floor(random() * 10)::int] AS job_role,
        ARRAY['python', 'postgresql', 'kubernetes', 'terraform', 'react', 'typescript', 'go', 'java', 'spark',
              'airflow', 'figma', 'linux'] AS skill,
        ARRAY['Spoke with the candidate about the team and the role', 'Strong answers on data modelling',
              'Wants to work from home three days a week', 'Asked for the salary band and the review cycle',
              'Portfolio shows two large migrations', 'References were checked and are good',
              'Needs a visa before the start date', 'Was late for the call and apologised',
              'Take-home task was clean, with tests and a short note', 'Prefers backend work to full stack',
              'Has an offer from a competitor that ends soon', 'The hiring manager wants a second interview',
              'Left a good impression on the panel', 'Would relocate with a month of notice'] AS phrase
    FROM generate_series(1, {rows}) AS n
    OFFSET 0
) AS drawn;
