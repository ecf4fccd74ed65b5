"""What account managers have to do: one work item an alert, its log, and what came of it."""
