-- Takes back what such revisions have set for the session.
RESET ROLE;
RESET search_path;
RESET statement_timeout;
RESET lock_timeout;
