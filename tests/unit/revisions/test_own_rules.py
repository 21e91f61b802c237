"""The linter's own rules, by the statements that they are about and by those that look alike."""

import pytest

from tenantry.revisions.lint.own import remarks_on, remarks_on_batch
from tenantry.revisions.lint.statements import split


@pytest.mark.parametrize(
    ("statement", "rules"),
    [
        ("ALTER TABLE t SET UNLOGGED", ["table-rewritten"]),
        ("ALTER TABLE t ADD a text, SET TABLESPACE fast", ["table-rewritten"]),
        ("ALTER TABLE t SET ACCESS METHOD heap2", ["table-rewritten"]),
        ('ALTER TABLE "SET LOGGED" ADD "b" text', []),
        ("ALTER TABLE t SET (fillfactor = 90)", []),
        ("ALTER TABLE t ADD a smallserial", ["table-rewritten"]),
        ("ALTER TABLE IF EXISTS ONLY t ADD COLUMN IF NOT EXISTS a serial8 UNIQUE", ["table-rewritten"]),
        ("ALTER TABLE t ADD serial text", []),
        ("CLUSTER t USING i", ["table-rewritten"]),
        ("ALTER TABLE t ADD a text CONSTRAINT c CHECK (a <> '')", ["table-scanned"]),
        ("ALTER TABLE t ADD b text, ADD a text CHECK (a <> '')", ["table-scanned"]),
        ("ALTER TABLE t ADD a text DEFAULT 'x CHECK'", []),
        ("ALTER TABLE t ADD a text, ADD CONSTRAINT c CHECK (a <> '') NOT VALID", []),
        ("ALTER TABLE p ATTACH PARTITION q DEFAULT", ["table-scanned"]),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", ["validate-in-transaction"]),
        ("REFRESH MATERIALIZED VIEW m", ["require-concurrent-refresh"]),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", []),
        ("TRUNCATE t", ["ban-truncate"]),
        ("VACUUM t", ["not-in-a-transaction"]),
        ("VACUUM FULL t", ["table-rewritten", "not-in-a-transaction"]),
        ("VACUUM (VERBOSE, FULL) t", ["not-in-a-transaction", "table-rewritten"]),
        ("REINDEX (VERBOSE) INDEX CONCURRENTLY i", ["not-in-a-transaction"]),
        ("ALTER TABLE p DETACH PARTITION q CONCURRENTLY", ["not-in-a-transaction"]),
        ("ALTER TABLE p DETACH PARTITION q", []),
        ("DROP DATABASE d", ["not-in-a-transaction"]),
        ("SET LOCAL statement_timeout = 0", ["session-changed"]),
        ("SET SESSION AUTHORIZATION x", ["session-changed"]),
        ("RESET role", ["session-changed"]),
        ("SELECT pg_catalog.set_config ( 'search_path', 'x', true)", ["session-changed"]),
        ("SET LOCAL app.role = 'x'", []),
        ("SELECT set_config('app.role', 'x', true)", []),
        ("UPDATE t SET a = 1 WHERE b", ["rows-changed-at-once"]),
        ("WITH x AS (SELECT 1) DELETE FROM t USING x", ["rows-changed-at-once"]),
        ("WITH x AS (SELECT 1) SELECT * FROM x FOR UPDATE", []),
        ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", []),
        ("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE t SET a = 1; TRUNCATE t'", []),
    ],
)
def test_statements_in_a_transaction(statement: str, rules: list[str]) -> None:
    (read,) = split(statement)
    assert [remark.rule for remark in remarks_on(read, in_transaction=True)] == rules


@pytest.mark.parametrize("statement", ["ALTER TABLE t VALIDATE CONSTRAINT c", "VACUUM t", "DROP INDEX CONCURRENTLY i"])
def test_what_is_meant_to_be_outside_is_not_found_there(statement: str) -> None:
    (read,) = split(statement)
    assert [*remarks_on(read, in_transaction=False)] == []


@pytest.mark.parametrize(
    ("batch", "rules"),
    [
        ("UPDATE t SET a = 1 WHERE a IS NULL", []),
        ("DELETE FROM t WHERE ctid IN (SELECT ctid FROM t LIMIT 10)", []),
        ("INSERT INTO t SELECT * FROM u WHERE NOT EXISTS (SELECT FROM t) LIMIT 10", []),
        ("MERGE INTO t USING u ON a = b WHEN NOT MATCHED THEN INSERT VALUES (b)", []),
        ("WITH x AS (SELECT 1 LIMIT 1) UPDATE t SET a = 1 FROM x WHERE a IS NULL;", []),
        ("UPDATE t SET a = (SELECT 1 WHERE true)", ["batch-never-ends"]),
        ("SELECT f()", ["batch-not-a-change"]),
        ("WITH x AS (DELETE FROM t RETURNING 1) SELECT count(*) FROM x", ["batch-not-a-change"]),
        ("UPDATE t SET a = 1 WHERE false; UPDATE u SET a = 1 WHERE false", ["batch-not-a-change"]),
        ("-- nothing", ["batch-not-a-change"]),
    ],
)
def test_batches(batch: str, rules: list[str]) -> None:
    assert [remark.rule for remark in remarks_on_batch(split(batch))] == rules
