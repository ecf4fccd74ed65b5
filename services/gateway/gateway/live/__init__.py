"""What changes in the lists, told to whoever looks at them: server-sent events from the read model."""
