"""The name for pylint's ``load-plugins``: ``servicelint.pylint``."""

from servicelint.hosts.pylint import register

__all__ = ["register"]
