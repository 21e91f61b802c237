"""Writes the statement. Only this package builds SQL from a request, and only from quoted names and placeholders.

Begin with `select_writer.py`; `expressions.py` writes filters. A value from the caller is never part of the text.
"""
