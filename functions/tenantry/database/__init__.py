"""Connections to PostgreSQL and the programs that come with it: connecting, errors, pg_dump, pg_restore, revisions.

Begin with `connecting.py` and `sql_errors.py`, where every error of the driver is translated, by its SQLSTATE. It knows
no tenant's home and no AWS client.
"""
