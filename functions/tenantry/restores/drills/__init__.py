"""Proves that a backup can be restored: restores it into a scratch database, compares it, and records the result.

Begin with `drill.py`.
"""
