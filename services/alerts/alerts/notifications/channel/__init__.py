"""The SMS channel: how a text becomes parts (segments) and how a part reaches an SMSC (transports)."""
