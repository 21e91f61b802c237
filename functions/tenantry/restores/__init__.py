"""Restores a backup: into staging, compared, then swapped in, with a way to undo it.

Begin with `requests.py` (what an operator may ask for), then `workflow.py`, which names the steps, and `steps.py`. The
swap is `swap_own.py` for databases and schemas and `swap_pooled.py` for rows. The room `backups` takes the backups.
"""
