"""A tenant's life: made or adopted, limited, renamed, suspended, erased.

Begin with `tenants.py`, then `provisioning.py` and `erasure.py`. Where it lives is `homes`; going elsewhere is
`relocation`.
"""
