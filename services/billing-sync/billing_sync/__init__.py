"""billing-sync: takes in what BOSS knows, by files, HTTP and Kafka, and lets only changes through."""
