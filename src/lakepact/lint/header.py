"""The first lines of a contract: its version and its status."""

from __future__ import annotations

from lakepact.contract.edit_model import SetValue
from lakepact.contract.statuses import STATUSES
from lakepact.contract.versions import Version
from lakepact.errors import ConfigurationError, Severity
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, quoted

__all__ = ["check_header"]


def check_header(subject: Subject) -> None:
    """A version that does not compare, and a status that nobody knows."""
    contract = subject.contract
    if subject.written("version") and contract.version:
        try:
            Version.parse(contract.version)
        except ConfigurationError:
            message = f"the version {quoted(contract.version)} is not a semantic version, so it cannot be compared"
            subject.report(LintCode.NOT_SEMANTIC_VERSION, message, "version")
    if contract.status and contract.status not in STATUSES:
        _status(subject, contract.status)


def _status(subject: Subject, status: str) -> None:
    meant = status.strip().lower()
    if meant in STATUSES:
        message = f"the status {quoted(status)} is spelled `{meant}` in the standard"
        edits = (SetValue(path="status", value=meant),)
        hint = f"write status: {meant}"
        subject.report(LintCode.UNKNOWN_STATUS, message, "status", severity=Severity.WARNING, edits=edits, hint=hint)
    else:
        message = f"the standard does not name the status {quoted(status)}"
        subject.report(LintCode.UNKNOWN_STATUS, message, "status")
