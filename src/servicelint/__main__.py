"""``python -m servicelint``."""

from servicelint.hosts.cli import main

main()
