"""Public test doubles: what a project that uses lakepact needs to test its pipelines without a workspace."""

__all__: list[str] = []
