"""kam, the key-account platform: its command line, embedded instance and simulators."""
