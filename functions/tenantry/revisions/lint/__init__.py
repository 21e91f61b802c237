"""Finds what may go wrong when a revision is run on tables with rows and readers, before it is deployed.

`python -m tenantry.revisions.lint` is what `make lint` runs: begin with `judging.py`. It needs squawk, which is there
where the code is built: no Lambda imports this. What was found is read with `tenantry.revisions.findings`.
"""
