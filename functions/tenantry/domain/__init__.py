"""Types that two or more rooms share: tenants, servers, homes, backups, operations, errors.

Begin with `tenant.py` and `errors.py`. This room is pure: it has no client, no driver, no framework, and reads no
clock.
"""
