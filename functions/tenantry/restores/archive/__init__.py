"""Reads a backup's archive from S3: as a stream for pg_restore, its table of contents, its rows for several sessions.

Begin with `source.py`. An archive is untrusted input.
"""
