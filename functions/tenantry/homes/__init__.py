"""The three isolation models: how a tenant's database, schema or share of the pool is made, opened and dropped.

Begin with `factory.py`, which picks the model, and `database_home.py`, the default one. Which tenant gets a home, and
when, is decided in `tenants`, `relocation` and `restores`.
"""
