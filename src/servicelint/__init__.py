"""servicelint finds the calls between services that can wait for ever, before they run."""

from importlib.metadata import version

__version__ = version("servicelint")
