"""The description of a tenant's data API as an OpenAPI document.

Begin with `document.py`.
"""
