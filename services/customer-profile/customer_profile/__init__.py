"""The archive of customers: who they are, what changed when and why, and what BOSS has said about them."""
