"""Events -> one model: reading them, and how they hang together."""
