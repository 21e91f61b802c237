"""Reports on isolation: logs in as each tenant, tries the data of all others, and reports what it could reach.

Begin with `audit.py`; `probe.py` makes the attempts and `findings.py` judges them.
"""
