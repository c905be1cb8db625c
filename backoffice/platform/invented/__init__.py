"""The demonstration: invented players and what they do. Nothing in here is used outside it."""
