"""The command line: arguments and printing only, one module a command."""

__all__: list[str] = []
