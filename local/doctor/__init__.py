"""Examines a deployed stack, on AWS or here, and says what is wrong and what to do; it changes nothing.

Begin with `examination.py`, which names all checks.
"""
