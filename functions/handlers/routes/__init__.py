"""The routes of the operators' API, one file per resource; `administer_tenants` combines them.

Begin with `exchange.py` (requests and answers) and `tenants.py`. A route reads a request, calls one method of a room
and writes the answer: it contains no business rule and no SQL.
"""
