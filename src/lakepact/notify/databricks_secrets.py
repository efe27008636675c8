"""Secrets of Databricks scopes. In a module of its own, so that who reads settings knows nothing of Databricks."""

from __future__ import annotations

from lakepact.errors import ExtraMissing

__all__ = ["databricks_secret"]


def databricks_secret(scope: str, key: str) -> str:
    """The secret of a Databricks secret scope. Raises ExtraMissing LP956 where databricks-sdk is not installed."""
    try:
        from databricks.sdk import WorkspaceClient
    except ImportError:
        message = "a secret of a Databricks scope needs databricks-sdk"
        raise ExtraMissing(message, "LP956", "install lakepact[databricks]") from None
    text: str = WorkspaceClient().dbutils.secrets.get(scope, key)
    return text
