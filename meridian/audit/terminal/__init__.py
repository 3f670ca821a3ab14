"""An execution, a list or a comparison for people at a terminal."""
