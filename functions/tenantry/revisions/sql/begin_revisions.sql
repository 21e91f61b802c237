-- Begins a transaction of revisions, and sets its role, its search_path, how long each statement waits for a lock, and how
-- long the transaction may hold its locks. Servers before 17 can only limit each statement.
BEGIN;
SELECT
    set_config('role', {role}, true),
    set_config('search_path', {path}, true),
    set_config('lock_timeout', {lock_timeout}, true),
    set_config(
        CASE WHEN current_setting('server_version_num')::int >= 170000 THEN 'transaction_timeout' ELSE 'statement_timeout' END,
        {longest},
        true
    );
