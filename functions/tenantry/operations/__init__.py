"""Long work in steps that can be repeated, the leases that keep two of them apart, and the audit trail.

Begin with `operations.py`. It knows steps by their names alone: what a step does is the business of the room that hands
it in.
"""
