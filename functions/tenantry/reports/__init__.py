"""Reports for auditors, operators and whoever pays: isolation, drift, cost, backups and connections.

Begin with `stored_reports.py`; each larger report has a folder. A report only reads, and changes nothing.
"""
