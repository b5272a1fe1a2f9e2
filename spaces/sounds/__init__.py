"""Sound files that nobody trusts, read in a process of their own."""
