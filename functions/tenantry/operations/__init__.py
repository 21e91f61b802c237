"""Long operations in repeatable steps, the leases that keep two operations apart, and the audit trail.

Begin with `operations.py`. It knows only the names of steps: the room that supplies a workflow knows what its steps do.
"""
