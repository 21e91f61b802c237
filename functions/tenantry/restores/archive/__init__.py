"""Reads a backup's archive from S3: streams it to pg_restore, lists its contents, deals its rows to several sessions.

Begin with `source.py`. An archive is untrusted input.
"""
