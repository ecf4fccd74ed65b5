"""Who read or changed what: a searchable copy of the audit log."""
