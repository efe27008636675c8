"""The command line: arguments and printing only, one module a command."""

from lakepact.cli.main import main

__all__ = ["main"]
