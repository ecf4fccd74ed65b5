"""Trials: what a version of a rule would have warned of, told by the archive, before it is in force.

``python -m alerts.trial`` is one trial, a process of its own with the lowest priority: ``archive`` reads, ``history``
makes of each customer's records what detection would know, ``judge`` asks the rule, ``tally`` counts. ``jobs`` starts
it.
"""
