"""What a home holds: its tables, sequences, rows and large objects; read, digested and copied to another home.

Begin with `digest.py` and `home_copier.py`. It knows two homes and nothing of why one is copied: moves, clones and
restores decide that.
"""
