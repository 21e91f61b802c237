"""What each Lambda reads from its environment: one file for each handler, or for handlers that share a subject.

Begin with `environment.py`, which reads single variables. Only handlers and their wiring import these: a room takes
values as arguments and knows no environment variable.
"""
