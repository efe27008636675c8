"""What `lakepact doctor --databricks` says: what a workspace lacks to run a bundle, and the command that gives it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lakepact.cli.output import say, show_json, show_lines
from lakepact.errors import ConfigurationError, ExitCode, ExtraMissing, RemoteFailed, UsageError
from lakepact.toned_lines import Line, Span

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from lakepact.bundle.workspace_checks import WorkspaceFinding

__all__ = ["report_workspace"]

# Somebody looks at the screen: a workspace that cannot be reached is told in seconds.
_ANSWER_SECONDS: Final = 5
_REPEAT_SECONDS: Final = 2
_VARIABLE: Final = "BUNDLE_VAR_"


def report_workspace(bundle: Path, target: str, variables: Sequence[str], profile: str, *, as_json: bool) -> int:
    """Print what the workspace has and lacks for a target of the bundle; the exit code."""
    from lakepact.bundle.target import read_target
    from lakepact.bundle.workspace_checks import State, check_workspace, known_of

    read_target(bundle, target)  # What is wrong with the files is said before anybody is asked.
    answers = _Answers(_client(profile))
    me = answers.get("/api/2.0/preview/scim/v2/Me") or {}
    chosen = read_target(bundle, target, given=_given(variables), known=known_of(me))
    say(f"{answers.host} as {me.get('userName', 'nobody')}, target {chosen.name}")
    findings = check_workspace(chosen, answers)
    missing = [finding for finding in findings if finding.state is State.MISSING]
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        show_lines(_finding_lines(findings))
    if missing:
        say(f"{len(missing)} of {len(findings)} are missing")
        return ExitCode.CONFIGURATION
    return ExitCode.OK


def _finding_lines(findings: Sequence[WorkspaceFinding]) -> Iterator[Line]:
    """One line a finding, and what to do under it."""
    from lakepact.bundle.workspace_checks import State

    tones = {State.OK: "good", State.MISSING: "bad", State.UNKNOWN: "warn"}
    for finding in findings:
        detail = f": {finding.detail}" if finding.detail else ""
        yield (Span(f"{finding.state:<8}", tones[finding.state]), Span(f"{finding.what}{detail}"))
        if finding.how:
            yield (Span(f"{'':10}{finding.how}", "dim"),)


def _given(variables: Sequence[str]) -> dict[str, str]:
    """The values of variables, those of the command line before those of the environment. Raises UsageError LP429."""
    found = {name.removeprefix(_VARIABLE): value for name, value in os.environ.items() if name.startswith(_VARIABLE)}
    for text in variables:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"'{text}' is no value of a variable", "LP429", "write --var NAME=VALUE")
        found[name] = value
    return found


def _client(profile: str) -> WorkspaceClient:
    from lakepact.workspace_login import NoLogin, workspace_client

    try:
        return workspace_client(profile, answer_seconds=_ANSWER_SECONDS, repeat_seconds=_REPEAT_SECONDS)
    except ImportError:
        raise ExtraMissing("databricks-sdk is not installed", "LP429", "pip install 'lakepact[databricks]'") from None
    except NoLogin as error:
        hint = "`databricks auth login`, or set DATABRICKS_HOST and DATABRICKS_TOKEN"
        raise ConfigurationError(f"there is no way into a Databricks workspace: {error}", "LP429", hint) from error


class _Answers:
    """Asks a workspace through the SDK, see `WorkspaceAnswers`."""

    def __init__(self, client: WorkspaceClient) -> None:
        self._client = client

    @property
    def host(self) -> str:
        """The address of the workspace."""
        return str(self._client.config.host)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any] | None:
        from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, Unauthenticated
        from databricks.sdk.errors.base import DatabricksError

        from lakepact.bundle.workspace_checks import NotAllowed

        try:
            answer = self._client.api_client.do("GET", path, query=dict(query or {}))
        except Unauthenticated as error:
            hint = "log in again (`databricks auth login`), or renew the token"
            raise RemoteFailed(f"{self.host} refuses: {_line(error)}", "LP413", hint) from error
        except PermissionDenied as error:
            if path.endswith("/Me"):
                hint = "log in again (`databricks auth login`), or renew the token"
                raise RemoteFailed(f"{self.host} refuses: {_line(error)}", "LP413", hint) from error
            raise NotAllowed(_line(error)) from error
        except (NotFound, BadRequest):
            return None
        except (DatabricksError, OSError, ValueError) as error:
            hint = "check DATABRICKS_HOST, and that this machine reaches it"
            raise RemoteFailed(f"{self.host} does not answer: {_line(error)}", "LP413", hint) from error
        return answer if isinstance(answer, dict) else {}


def _line(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and error.__cause__ is not None:
        error = error.__cause__
    words = str(error).partition(" Config: ")[0].strip()
    return next(iter(words.splitlines()), "") or type(error).__name__
