"""AWS clients, and the stores that several rooms share: the registry, secrets, objects, timers and other Lambdas.

Begin with `clients.py` and `registry.py`. Every error of botocore is translated at this boundary, by its code. A store
that only one room uses (certificates, reports) is in that room, and nothing here imports a room above it.
"""
