"""A tenant's life cycle: it is made or adopted, limited, renamed, suspended, erased.

Begin with `tenants.py`, then `provisioning.py` and `erasure.py`. The room `homes` makes the place where a tenant
lives, and `relocation` moves it to another.
"""
