"""The language of the URLs and bodies: text becomes values, and what can't be read is refused.

Begin with `parameters.py`; `filters.py`, `selection.py` and `ordering.py` read one parameter each. No SQL and no
catalogue.
"""
