"""Secrets of Databricks scopes. In a module of its own, so that who reads settings knows nothing of Databricks."""

from __future__ import annotations

from lakepact.errors import ConfigurationError, ExtraMissing
from lakepact.workspace_login import NoLogin, workspace_client

__all__ = ["databricks_secret"]


def databricks_secret(scope: str, key: str) -> str:
    """The secret of a Databricks secret scope.

    Raises ExtraMissing LP956 where databricks-sdk is not installed, ConfigurationError LP956 without a login.
    """
    try:
        client = workspace_client()
    except ImportError:
        message = "a secret of a Databricks scope needs databricks-sdk"
        raise ExtraMissing(message, "LP956", "install lakepact[databricks]") from None
    except NoLogin as error:
        message = f"a secret of a Databricks scope needs a login to the workspace: {error}"
        raise ConfigurationError(message, "LP956", "set DATABRICKS_HOST and a way to log in") from error
    text: str = client.dbutils.secrets.get(scope, key)
    return text
