"""Puts rooms and their clients together for the handlers that need many: nothing here decides anything.

Begin with `services.py`, which is what the operators' API and the operations run on.
"""
