"""Wires rooms and their clients together for the handlers that need many of them; it contains no business rule.

Begin with `services.py`, which wires the operators' API.
"""
