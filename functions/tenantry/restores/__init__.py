"""Brings a backup back: next to the live data, compared, then swapped in, with a way to undo it.

Begin with `requests.py` (what may be asked for), then `workflow.py`, which names the steps, and `steps.py`. The swap is
`swap_own.py` for databases and schemas and `swap_pooled.py` for rows. Taking backups is `backups`.
"""
