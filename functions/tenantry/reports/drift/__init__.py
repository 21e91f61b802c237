"""Reports drift: where the registry, the servers and the secrets disagree, and homes with what their revision makes.

Begin with `audit.py`, which collects the facts; the files `judging…` compare them, and are pure. `structures.py`
compares homes with what `references.py` reads.
"""
