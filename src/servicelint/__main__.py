"""``python -m servicelint``, and what the program ``servicelint`` starts with."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; an interruption ends it quietly even while it is being loaded."""
    try:
        from servicelint.hosts import cli

        cli.main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
