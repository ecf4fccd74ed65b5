"""History and lineage: the archive of every event, exact counts, the chain of facts behind anything, live rates."""
