"""Runs over all tenants: Step Functions start them, split them into slices, and sum them up.

Begin with `runs.py`. The rooms `backups` and `restores` do the work on a single tenant; this room only plans which
tenants are worked on, and collects the outcomes.
"""
