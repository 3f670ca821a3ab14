"""The child process: ``python -m meridian.embedded '<Settings as JSON>'``; see child.py."""

from __future__ import annotations

import sys

from meridian.embedded.server import run
from meridian.embedded.settings import Settings

if __name__ == "__main__":
    run(Settings.from_json(sys.argv[1]))
