"""Lambda functions that live beside the table's data: one file, one processor."""
