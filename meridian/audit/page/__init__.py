"""One execution as one HTML file."""

from meridian.audit.page.rendering import render

__all__ = ["render"]
