"""References to variables in the text of a contract: `${NAME}` and `${NAME:-default}`, resolved on use.

ODCS v3.2 allows them in any text (RFC 50): an unset or empty variable gives its default, verbatim; without a default
that is an error, never the empty text. `$$` has no meaning of its own. The model keeps what was written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from lakepact.contract.model import ApiVersion, Contract, Place
from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import child_path
from lakepact.errors import ConfigurationError, Problem, Severity

__all__ = ["PLACEHOLDERS", "Variable", "resolve", "texts_in", "unresolved_variables", "variables_in"]

PLACEHOLDERS = frozenset({"object", "property", "table", "column"})
"""Names that `quality` queries until v3.0.2 write as `${name}` and that are not variables there."""

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_HINT = "give it a value, or write ${NAME:-default}"
_V3_0 = (ApiVersion.V3_0_0, ApiVersion.V3_0_1, ApiVersion.V3_0_2)


@dataclass(frozen=True, slots=True)
class Variable:
    """One reference; `default` is None where none was given."""

    name: str
    default: str | None = None


def variables_in(text: str) -> tuple[Variable, ...]:
    """The references in `text`, in order.

    >>> variables_in("${HOST}:${PORT:-5432}")
    (Variable(name='HOST', default=None), Variable(name='PORT', default='5432'))
    """
    return tuple(Variable(match[1], match[2]) for match in _REFERENCE.finditer(text))


def resolve(text: str, *, values: Mapping[str, str], keep: Collection[str] = ()) -> str:
    """`text` with every reference replaced by its value, else by its default.

    Names in `keep` stay as they are. A value is not searched for further references. Raises ConfigurationError (LP160)
    that names all variables without a value; an empty value or an empty default is none.

    >>> resolve("${HOST}:${PORT:-5432}", values={"HOST": "db"})
    'db:5432'
    """
    missing = _missing(text, values, keep)
    if missing:
        raise ConfigurationError(
            message=_without_value(missing), code=Code.UNRESOLVED_VARIABLE, hint=_HINT, facts={"missing": missing}
        )
    return _REFERENCE.sub(lambda match: match[0] if match[1] in keep else values.get(match[1]) or match[2] or "", text)


def unresolved_variables(contract: Contract, *, values: Mapping[str, str]) -> tuple[Problem, ...]:
    """One problem (LP160) for each text of the contract that has variables without a value or a default."""
    return tuple(
        _problem(contract, path, missing)
        for path, text in texts_in(contract.document, "")
        if (missing := _missing(text, values, _kept(contract, path)))
    )


def _kept(contract: Contract, path: str) -> Collection[str]:
    return PLACEHOLDERS if contract.api_version in _V3_0 and path.endswith(".query") else ()


def _missing(text: str, values: Mapping[str, str], keep: Collection[str]) -> tuple[str, ...]:
    names = (
        variable.name
        for variable in variables_in(text)
        if variable.name not in keep and not values.get(variable.name) and not variable.default
    )
    return tuple(dict.fromkeys(names))


def _without_value(missing: tuple[str, ...]) -> str:
    names = ", ".join(f"`{name}`" for name in missing)
    return f"the variable {names} has no value" if len(missing) == 1 else f"the variables {names} have no value"


def texts_in(value: object, path: str) -> Iterator[tuple[str, str]]:
    """The texts in a value that stands at `path`, each with its own path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from texts_in(entry, child_path(path, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from texts_in(entry, f"{path}[{index}]")


def _problem(contract: Contract, path: str, missing: tuple[str, ...]) -> Problem:
    place = contract.places.get(path, Place(path))
    return Problem(
        code=Code.UNRESOLVED_VARIABLE,
        severity=Severity.ERROR,
        message=_without_value(missing),
        file=contract.file,
        line=place.line,
        column=place.column,
        path=path,
        hint=_HINT,
    )
