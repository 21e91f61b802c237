-- Sets the role, the search_path and the longest statement of revisions that run outside a transaction.
SELECT
    set_config('role', %s, false),
    set_config('search_path', %s, false),
    set_config('statement_timeout', %s, false)
