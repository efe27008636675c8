"""Speed and memory, each as a ratio against a bare equivalent measured in the same run."""

__all__: list[str] = []
