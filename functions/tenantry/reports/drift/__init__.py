"""Where the registry, the servers and the secrets say different things.

Begin with `audit.py`, which gathers; `judging.py` and `judging_servers.py` judge, and are pure.
"""
