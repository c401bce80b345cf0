"""The command line: `kidglove`. Exit codes: 0 fine, 1 a problem, 2 wrong usage."""

from ops.cli.app import main

__all__ = ["main"]
