"""As every tenant, every other's data is tried, and what could be reached is a finding.

Begin with `audit.py`; `probe.py` makes the attempts and `findings.py` judges them.
"""
