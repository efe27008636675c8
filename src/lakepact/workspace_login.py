"""The one place where a client of a Databricks workspace is made: who logs in, and how long anybody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

__all__ = ["ANSWER_SECONDS", "REPEAT_SECONDS", "NoLogin", "workspace_client"]

ANSWER_SECONDS: Final = 60
"""How long an answer may take; a statement on a SQL warehouse is waited for 30 seconds in one request."""

REPEAT_SECONDS: Final = 60
"""For so long is repeated what failed on the way, or was refused because the workspace is busy."""


class NoLogin(Exception):
    """There is no way to log in; the text is one line that says why."""


def workspace_client(
    profile: str = "", *, answer_seconds: float = ANSWER_SECONDS, repeat_seconds: int = REPEAT_SECONDS
) -> WorkspaceClient:
    """A client as the user that the SDK finds: variables, a profile of ~/.databrickscfg, or the job itself.

    Raises ImportError without databricks-sdk, NoLogin where the SDK finds nobody.
    """
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    try:
        config = Config(
            profile=profile or None, http_timeout_seconds=answer_seconds, retry_timeout_seconds=repeat_seconds
        )
        return WorkspaceClient(config=config)
    except ValueError as error:
        # To what went wrong the SDK adds how it is set up.
        words = str(error).partition(" Config: ")[0].strip()
        raise NoLogin(next(iter(words.splitlines()), type(error).__name__)) from error
