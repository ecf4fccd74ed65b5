"""The nightly file, step by step.

``loader`` looks into the inbox, in order; ``delivery`` carries one file through the steps: taken over (``inbox``,
``names``), its ``control`` file, ``verification`` of the whole, ``loading`` in ``chunks``, its ``outcome``: a receipt,
and the files put away. ``reading`` says how all of them read.
"""
