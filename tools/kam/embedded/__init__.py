"""The embedded instance: Kafka, a MongoDB-protocol server and every service as supervised child processes."""
