"""Who may call, and with which credentials: tokens, roles, rotation, and logins that only read and expire.

Begin with `authorization.py` (what a token becomes) or `rotation.py`. How a connection is opened is `database`'s; what
a tenant's request may do is decided by its role in PostgreSQL and not here.
"""
