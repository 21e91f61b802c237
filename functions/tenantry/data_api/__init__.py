"""The path of a tenant's request: it has to start quickly and costs one round trip.

Begin with `data_request.py`, which follows a request from its credentials to its answer. It imports `postgrest`,
`database`, `aws` and `domain`, and no other room: each import is paid for by every cold start.
"""
