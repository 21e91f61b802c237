-- Sets the role and the search_path of revisions that run outside a transaction.
SELECT
    set_config('role', %s, false),
    set_config('search_path', %s, false)
