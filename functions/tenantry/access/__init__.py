"""Who may call, and with which credentials: tokens, roles, rotation, and logins that only read and expire.

Begin with `authorization.py` (what a token becomes) or `rotation.py`. The room `database` opens connections. What a
tenant's request may do is decided by its role in PostgreSQL, not here.
"""
