"""What an administrator does on a PostgreSQL server: register it, make, limit, rename and remove roles and databases.

Begin with `registrations.py` and `servers.py` (the operators' side) and `server_admin.py` (PostgreSQL's side). The
room `homes` makes the tenants' homes.
"""
