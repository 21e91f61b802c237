-- What only this running server has: the cluster's identifier, which copies of its disk have too, and when it started.
SELECT
    (SELECT system_identifier::text FROM pg_control_system()),
    extract(epoch FROM pg_postmaster_start_time())::text
