"""One execution as one HTML file."""
