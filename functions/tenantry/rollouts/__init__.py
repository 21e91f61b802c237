"""Rollouts: a revision for the whole fleet, in waves with gates, with a ledger that says of each tenant what was done.

Begin with `rollout.py` (the words) and `conducting.py` (what comes next); `migrating.py` does the work on one tenant. A
state machine asks the conductor, lets workers migrate slices of the fleet, and asks again, so nothing is lost when a
worker dies. What a revision is and how it is run on one schema does not belong here, but in `revisions` and `homes`.
"""
