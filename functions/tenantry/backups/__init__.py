"""Takes backups, lists and shows them, and holds them.

Begin with `take.py`, which writes one backup from beginning to end, and `dump_stream.py`, the stream that it sends.
Bringing a backup back is `restores`; deciding which backups to let go is `backups/retention`; runs over all tenants are
`fleet`.
"""
