"""Runs pipeline sources on this machine: `lakepact.local.run.run_project`.

Nothing is imported here, so that a report can be rendered without the engine.
"""

__all__: list[str] = []
