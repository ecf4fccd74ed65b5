"""The commands of ``kam``, one module a group."""
