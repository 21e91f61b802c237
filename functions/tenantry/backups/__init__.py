"""Takes backups, lists and shows them, and holds them.

Begin with `take.py`, which takes one backup from beginning to end, and `dump_stream.py`, which streams its dump. The
room `restores` restores backups, `backups/retention` decides which to delete, and `fleet` runs over all tenants.
"""
