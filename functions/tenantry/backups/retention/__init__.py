"""Decides which backups are kept, and removes the others.

Begin with `plan.py`, which has the rules as a pure function, then `run.py`. Apart from the erasure of a tenant, nothing
else in Tenantry deletes a backup.
"""
