"""What comes in: nightly files, live events, dead letters."""
