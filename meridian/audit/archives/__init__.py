"""The archive's reading side: histories that Step Functions has forgotten, and the proof that none was altered."""
