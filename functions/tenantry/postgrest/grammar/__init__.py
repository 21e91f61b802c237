"""The language of the URLs and bodies: turns text into values, and refuses what it can't parse.

Begin with `parameters.py`; `filters.py`, `selection.py` and `ordering.py` read one parameter each. This package uses
neither SQL nor the catalogue.
"""
