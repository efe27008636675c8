"""Every error that lakepact raises on purpose.

    LakepactError
    ├── UsageError             exit 2   the call itself is wrong
    ├── ConfigurationError     exit 3   a file we were told to read cannot be used
    │   ├── ContractInvalid             an ODCS document (all its problems together)
    │   └── ProjectInvalid              a lakepact.yml (all its problems together)
    ├── EnvironmentLacking     exit 3   this machine lacks something
    │   ├── ExtraMissing                an optional library
    │   └── JavaMissing                 Java 17 or later
    ├── PipelineFailed         exit 1   an update ended in FAILED
    ├── ContractViolated       exit 1   data does not keep its contract, and nothing was written or handed out
    ├── NotEnforceable         exit 1   --strict, and a clause cannot be enforced
    ├── ContractMissing        exit 2   a store has no such contract or version
    ├── StoreConflict          exit 1   a store holds something else than the writer has seen
    ├── LifecycleRefused       exit 1   a version cannot take that step of its life
    ├── VersionRefused         exit 1   a version number that is taken, goes back, or is too low for its changes
    └── RemoteFailed           exit 4   another system answered with an error
        └── RemoteUnavailable           it does not answer now; the same can succeed later

`code` is stable and documented in docs/errors.md, `hint` says what to do, `facts` holds the values for machines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

__all__ = [
    "ConfigurationError",
    "ContractInvalid",
    "ContractMissing",
    "ContractViolated",
    "EnvironmentLacking",
    "ExitCode",
    "ExtraMissing",
    "JavaMissing",
    "LakepactError",
    "LifecycleRefused",
    "NotEnforceable",
    "PipelineFailed",
    "Problem",
    "ProjectInvalid",
    "RemoteFailed",
    "RemoteUnavailable",
    "Severity",
    "StoreConflict",
    "UsageError",
    "VersionRefused",
]


class ExitCode(IntEnum):
    """What the process says to its caller."""

    OK = 0
    VIOLATED = 1
    USAGE = 2
    CONFIGURATION = 3
    REMOTE = 4


class Severity(StrEnum):
    """How bad a problem in a document is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding in a document: what, where, and what to do.

    `line` and `column` count from 1; 0 means that the place is unknown. `path` is a JSON path such as
    `schema[0].properties[2].logicalType`.
    """

    code: str
    severity: Severity
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    path: str = ""
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: " if self.line else (f"{self.file}: " if self.file else "")
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{where}{self.severity} {self.code}: {self.message}{hint}"


@dataclass(eq=False)
class LakepactError(Exception):
    """Base of all errors of lakepact."""

    message: str
    code: str
    hint: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    problems: Sequence[Problem] = ()

    exit_code = ExitCode.CONFIGURATION

    def __str__(self) -> str:
        lines = [f"{self.code}: {self.message}", *(str(problem) for problem in self.problems)]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class UsageError(LakepactError):
    """The call itself is wrong: an unknown name, options that exclude each other."""

    exit_code = ExitCode.USAGE


class ConfigurationError(LakepactError):
    """A file we were told to read cannot be used."""


class ContractInvalid(ConfigurationError):
    """An ODCS document has errors; `problems` holds all of them."""


class ProjectInvalid(ConfigurationError):
    """A lakepact.yml has errors; `problems` holds all of them."""


class EnvironmentLacking(LakepactError):
    """This machine lacks something that the command needs."""


class ExtraMissing(EnvironmentLacking):
    """An optional library is not installed; the hint names the extra."""


class JavaMissing(EnvironmentLacking):
    """No Java 17 or later was found, and none could be fetched."""


class PipelineFailed(LakepactError):
    """An update ended in FAILED; `facts` names the datasets and why."""

    exit_code = ExitCode.VIOLATED


class ContractViolated(LakepactError):
    """Data does not keep its contract; `problems` lists how, and `facts` has the values for machines."""

    exit_code = ExitCode.VIOLATED


class NotEnforceable(LakepactError):
    """With --strict: a clause of the contract cannot be enforced."""

    exit_code = ExitCode.VIOLATED


class ContractMissing(LakepactError):
    """A store has no such contract, or no version of it that fits."""

    exit_code = ExitCode.USAGE


class StoreConflict(LakepactError):
    """A store holds something else than the writer has seen: somebody else wrote first. Read again, then decide."""

    exit_code = ExitCode.VIOLATED


class LifecycleRefused(LakepactError):
    """A version cannot take that step of its life."""

    exit_code = ExitCode.VIOLATED


class VersionRefused(LakepactError):
    """A version number is taken, would go back, or is too low for what changed; `facts` says which."""

    exit_code = ExitCode.VIOLATED


class RemoteFailed(LakepactError):
    """Another system answered with an error or not at all."""

    exit_code = ExitCode.REMOTE


class RemoteUnavailable(RemoteFailed):
    """Another system cannot be reached, or says that it cannot answer now: the same request can succeed later."""
