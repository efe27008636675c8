"""Where secrets come from: each is a function that is called whenever the secret is needed, so that it can change."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lakepact.errors import ConfigurationError, ExtraMissing
from lakepact.workspace_login import NoLogin, workspace_client

__all__ = ["Secret", "databricks_secret", "environment_secret", "file_secret", "secret_from"]

Secret = Callable[[], str]
"""Gives the secret as it is now; raises ConfigurationError LP901 where there is none."""


def environment_secret(name: str, environment: Mapping[str, str] | None = None) -> Secret:
    """The value of an environment variable.

    >>> environment_secret("PASSWORD", {"PASSWORD": "1234 "})()
    '1234'
    """

    def read() -> str:
        return _some((os.environ if environment is None else environment).get(name, ""), f"the variable {name}")

    return read


def file_secret(path: Path) -> Secret:
    """The text of a file without the space around it, as containers mount secrets."""

    def read() -> str:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            message = f"the secret in {path} cannot be read: {type(error).__name__}"
            raise ConfigurationError(message, "LP901", "check the path and its permissions") from None
        return _some(text, f"the file {path}")

    return read


def databricks_secret(scope: str, key: str) -> Secret:
    """A secret of a Databricks secret scope. Raises ExtraMissing LP901 where databricks-sdk is not installed.

    Without a login to the workspace it is ConfigurationError LP901.
    """

    def read() -> str:
        try:
            client = workspace_client()
        except ImportError:
            message = "a secret of a Databricks scope needs databricks-sdk"
            raise ExtraMissing(message, "LP901", "install lakepact[databricks]") from None
        except NoLogin as error:
            message = f"a secret of a Databricks scope needs a login to the workspace: {error}"
            raise ConfigurationError(message, "LP901", "set DATABRICKS_HOST and a way to log in") from error
        text: str = client.dbutils.secrets.get(scope, key)
        return _some(text, f"the secret {key} of the scope {scope}")

    return read


def secret_from(text: str, *, environment: Mapping[str, str] | None = None) -> Secret:
    """The source that `env:NAME`, `file:/path` or `databricks:scope/key` names. Raises ConfigurationError LP901.

    The text never is the secret itself, and a refusal does not repeat it: it could be one by mistake.
    """
    kind, _, rest = text.partition(":")
    scope, _, key = rest.partition("/")
    if kind == "env" and rest:
        return environment_secret(rest, environment)
    if kind == "file" and rest:
        return file_secret(Path(rest))
    if kind == "databricks" and scope and key:
        return databricks_secret(scope, key)
    hint = "write env:NAME, file:/path or databricks:scope/key; never the secret itself"
    raise ConfigurationError("a setting says no place that a secret comes from", "LP901", hint)


def _some(text: str, where: str) -> str:
    secret = text.strip()
    if not secret:
        raise ConfigurationError(f"there is no secret for Collibra in {where}", "LP901", "set it")
    return secret
