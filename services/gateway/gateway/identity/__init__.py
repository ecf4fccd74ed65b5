"""Who people and machines are: accounts, sign-in, sessions, bearer tokens."""
