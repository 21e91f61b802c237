-- What a manifest says of the database.
SELECT current_database(), current_setting('server_version'), pg_database_size(current_database()),
       current_setting('server_encoding')
