"""Reports on isolation: logs in as each tenant, tries the data of all others, and reports what it could reach.

Begin with `audit.py`; `tries.py` has what is tried as one tenant, `probe.py` how, and `judging.py` what is read.
"""
