"""Moves a tenant to another server or isolation model, clones it, and brings it back.

Begin with `requests.py` (what an operator may ask for), then `workflow.py`, which names the steps, and `steps.py`. The
room `contents` copies the rows, and `homes` makes the new home.
"""
