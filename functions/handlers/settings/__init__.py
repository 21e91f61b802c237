"""The settings that each Lambda reads from its environment: one file per handler, or per subject of several handlers.

Begin with `environment.py`, which reads single variables. Only handlers and their wiring import these: a room takes
values as arguments and reads no environment variable.
"""
