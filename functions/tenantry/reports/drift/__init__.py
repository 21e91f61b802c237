"""Reports drift: where the registry, the servers and the secrets disagree.

Begin with `audit.py`, which collects the facts; `judging.py` and `judging_servers.py` compare them, and are pure.
"""
