"""What the processors share: their configuration, the records of the streams, values, rules and answers."""
