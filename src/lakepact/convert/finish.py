"""The last step of every conversion: the account is closed and the document held against the grammar of v3.1.0."""

from __future__ import annotations

from typing import Any

from lakepact.contract.grammar import judge
from lakepact.contract.model import ApiVersion
from lakepact.contract.yaml_nodes import YamlDocument
from lakepact.convert.model import Converted
from lakepact.convert.source import Source
from lakepact.errors import Severity

__all__ = ["finished"]


def finished(document: dict[str, Any], source: Source) -> Converted:
    """What was converted, with all that there is to say.

    Raises ConfigurationError (LP800) with every problem where one is an error: something that ODCS needs is missing in
    the source, or a value of it (LP802) cannot stand in a valid document.
    """
    errors = any(problem.severity is Severity.ERROR for problem in source.problems)
    for fault in [] if errors else judge(YamlDocument(data=document), ApiVersion.V3_1_0, strict=True):
        if fault.severity is Severity.ERROR:
            message = f"the converted document would not be valid at `{fault.path}`: {fault.message}"
            source.note("LP802", message, "", severity=Severity.ERROR, hint=fault.hint)
    return Converted(document=document, problems=source.finish())
