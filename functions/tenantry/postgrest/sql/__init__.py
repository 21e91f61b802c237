"""Writes the statement: the only place that builds SQL out of a request, from quoted names and placeholders alone.

Begin with `select.py`; a filter is written in `expressions.py`. A value of the caller's never stands in the text.
"""
