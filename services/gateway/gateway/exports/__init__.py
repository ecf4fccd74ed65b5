"""Lists as files, made in the background: ``columns`` (what stands in them), ``files`` (how they are written), ``jobs``
(what was asked and how far it is), ``runner`` (who makes them), ``api``."""
