"""The read model: list columns of customers, alerts, work and SMS in SQLite, for lists, counts and search (ADR 0016).

A cache, fed from the log by the gateway itself; it may be deleted at any time and is then made anew.
"""
