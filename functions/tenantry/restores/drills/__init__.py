"""Proves that a backup can be restored: into a scratch database, compared, and recorded.

Begin with `drill.py`.
"""
