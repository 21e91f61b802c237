"""Clients of AWS and what several rooms keep there: the registry, secrets, objects, timers and other Lambdas.

Begin with `clients.py` and `registry.py`. Every error of botocore is translated at this boundary, by its code. What
only one room keeps (a certificate, a report) is in that room, and nothing here imports a room.
"""
