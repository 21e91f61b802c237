"""What auditors, operators and whoever pays are shown: isolation, drift, cost, backups and connections.

Begin with `stored_reports.py`; each larger report has a folder. A report reads and changes nothing.
"""
