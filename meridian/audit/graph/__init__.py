"""The state machine that an execution ran, as an SVG coloured by what became of each state."""
