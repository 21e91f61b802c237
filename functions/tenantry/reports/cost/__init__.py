"""What each tenant costs, from measured use and the price file.

Begin with `estimate.py`; `cost.py` is the arithmetic, and pure.
"""
