"""Documents that staff change while everything runs: versions, and the places in the log where they come into force
(ADR 0020). Pure but for ``library``, ``switchboard`` and ``routes``.
"""
