"""Plans the statement that answers a request.

Begin with `planning.py`; there is a file each for reads, writes and calls. The package `postgrest/sql` writes the
SQL itself.
"""
