"""Takes a tenant to another server or isolation model, clones it, and brings it back.

Begin with `requests.py` (what an operator may ask for), then `workflow.py`, which names the steps, and `steps.py`.
Copying rows is `contents`; making the new home is `homes`.
"""
