-- Sets how long the next statement outside a transaction waits for a lock, and how long it may take.
SELECT
    set_config('lock_timeout', %s, false),
    set_config('statement_timeout', %s, false)
