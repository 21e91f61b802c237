"""Words that two or more rooms speak: tenants, servers, homes, backups, operations, errors.

Begin with `tenant.py` and `errors.py`. Pure: no client, no driver, no framework, no clock of its own.
"""
