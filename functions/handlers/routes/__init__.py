"""The operators' API, a file for each kind of thing that its paths name; `administer_tenants` puts them together.

Begin with `exchange.py` (what a route gets and gives) and `tenants.py`. A route reads a request, calls one method of a
room and writes the answer: no rule and no SQL comes in here.
"""
