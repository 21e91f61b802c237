"""The revisions of the tenants' schema: the team's own files, in Alembic's format, and running them on one schema.

Begin with `history.py`, which reads the files, and `running.py`, which runs them. `lint` judges them where the code is
built. `homes` runs them as a login that can do nothing to anybody else, `rollouts` over the whole fleet. What concerns
tenants or AWS does not belong here.
"""
