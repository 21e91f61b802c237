"""The three isolation models: makes, opens and drops a tenant's database, schema or share of the pool.

Begin with `factory.py`, which picks the model, and `database_home.py`, the default one. The rooms `tenants`,
`relocation` and `restores` decide which tenant gets a home, and when.
"""
