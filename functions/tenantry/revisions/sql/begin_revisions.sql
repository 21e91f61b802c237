-- Sets the role and the search_path of the revisions, how long each waits for a lock, and how long the transaction may
-- hold its locks. Servers before 17 can only limit each statement.
SELECT
    set_config('role', %s, true),
    set_config('search_path', %s, true),
    set_config('lock_timeout', %s, true),
    set_config(
        CASE WHEN current_setting('server_version_num')::int >= 170000 THEN 'transaction_timeout' ELSE 'statement_timeout' END,
        %s,
        true
    )
