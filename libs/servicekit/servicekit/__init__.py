"""What every service shares: the consumer pipeline, stores, outbox relay, dead letters, settings and telemetry."""
