"""AWS on this machine: MiniStack's services and moto's Step Functions, in one child process on one port."""

from meridian.embedded.child import EmbeddedFailed
from meridian.embedded.process import EmbeddedAws, start
from meridian.embedded.settings import Delays

__all__ = ["Delays", "EmbeddedAws", "EmbeddedFailed", "start"]
