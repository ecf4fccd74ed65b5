"""What billing-sync knows of BOSS records: kinds and their fields, how they are read, and which one is newer. Pure."""
