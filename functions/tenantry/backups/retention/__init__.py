"""Which backups are kept, and the removal of the others.

Begin with `plan.py`, the rules as a pure function, then `run.py`. Nothing else in Tenantry deletes a backup, except
erasing its tenant.
"""
