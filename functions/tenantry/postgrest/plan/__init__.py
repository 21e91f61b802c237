"""From a request to what has to be asked of the database.

Begin with `planning.py`; there is a file each for reads, writes and calls. The SQL itself is written in
`postgrest/sql`.
"""
