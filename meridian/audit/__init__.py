"""Execution history -> one model -> terminal, HTML, JSON Lines, comparison, archive."""
