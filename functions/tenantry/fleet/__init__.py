"""Runs over all tenants: backups and drills as Step Functions start, slice and sum them up.

Begin with `runs.py`. What is done to a single tenant is its room's; here is only who is next and what came of it.
"""
