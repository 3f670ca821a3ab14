"""What the tasks share, and the command line too: words, names, rules, errors, the handler."""
