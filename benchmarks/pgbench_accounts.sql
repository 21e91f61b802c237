-- The table that `pgbench --initialize --scale=20` makes and fills: PostgreSQL's own benchmark.
CREATE TABLE pgbench_accounts (aid integer NOT NULL, bid integer, abalance integer, filler character(84));
INSERT INTO pgbench_accounts SELECT aid, (aid - 1) / 100000 + 1, 0, '' FROM generate_series(1, 2000000) AS aid;
ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid);
