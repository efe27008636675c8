"""One target of a bundle as it would be deployed: its resources with the values of variables in their places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lakepact.bundle.loading import Source, load_bundle, mapping_of
from lakepact.errors import ConfigurationError, UsageError

__all__ = ["Target", "read_target"]

_REFERENCE: Final = re.compile(r"\$\{([^}]*)\}")
_DEPTH: Final = 10
# Resources of these kinds get the prefix of the target before their names.
_PREFIXED: Final = ("schemas",)
_SHOWN_PREFIX: Final = ("jobs", "pipelines")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target: its name, the values of its variables, and its resources by kind and key.

    A value that nobody has given, or that only a deployment knows, stays as the reference to it.
    """

    name: str
    variables: Mapping[str, str]
    resources: Mapping[str, Mapping[str, Mapping[str, Any]]]
    known: Mapping[str, str] = field(default_factory=dict)

    @property
    def lacking(self) -> tuple[str, ...]:
        """The variables without a value."""
        return tuple(sorted(name for name, value in self.variables.items() if f"${{var.{name}}}" in value))

    def of(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The resources of a kind, by key, with all that is known in the places of references."""
        for key, each in self.resources.get(kind, {}).items():
            yield key, self.resolved(each)

    def resolved(self, value: Any) -> Any:
        """The value with all that is known in the places of references."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {key: self.resolved(each) for key, each in value.items()}
        return [self.resolved(each) for each in value] if isinstance(value, list) else value

    def _text(self, text: str) -> str:
        for _ in range(_DEPTH):
            written = _REFERENCE.sub(lambda found: self._value(found[1]) or found[0], text)
            if written == text:
                break
            text = written
        return text

    def _value(self, reference: str) -> str:
        root, _, rest = reference.partition(".")
        if root in ("var", "variables"):
            value = self.variables.get(rest, "")
            return "" if value == f"${{{reference}}}" else value
        kind, _, field_of = rest.partition(".")
        if root == "resources" and field_of.endswith(".name"):
            found = self.resources.get(kind, {}).get(field_of.removesuffix(".name"), {})
            return str(found.get("name", ""))
        return self.known.get(reference, "")


def read_target(
    root: Path, name: str = "", *, given: Mapping[str, str] | None = None, known: Mapping[str, str] | None = None
) -> Target:
    """The target of that name of the bundle in `root`, or its default one.

    `given` are values of variables that go before those of the file `variable-overrides.json` and of the bundle;
    `known` are those of other references, such as `workspace.current_user.userName`. Raises ConfigurationError LP961
    where there is no bundle, UsageError LP960 where it has no such target.
    """
    sources = load_bundle(root)
    targets = _targets(sources)
    default = next((each for each, said in targets.items() if any(one.get("default") for one in said)), "")
    chosen = name or default or (next(iter(targets)) if len(targets) == 1 else "")
    if chosen not in targets:
        hint = f"known are {', '.join(targets)}" if targets else "`lakepact bundle generate` writes some"
        raise UsageError(f"the bundle has no target '{name}'" if name else "no target is named", "LP960", hint)
    parts = [source.document.data for source in sources] + targets[chosen]
    variables = _variables(parts, _overrides(root, chosen), given or {})
    bundle = next((mapping_of(part.get("bundle")) for part in parts if mapping_of(part.get("bundle"))), {})
    facts = {"bundle.target": chosen, "bundle.name": str(bundle.get("name", "")), **(known or {})}
    development = any(part.get("mode") == "development" for part in targets[chosen])
    presets = [str(mapping_of(part.get("presets")).get("name_prefix", "")) for part in parts]
    short = facts.get("workspace.current_user.short_name", "")
    prefix = next((each for each in reversed(presets) if each), f"[dev {short}] " if development else "")
    resources = _resources(parts)
    plain = Target(name=chosen, variables=variables, resources=resources, known=facts)
    for kind in (*_PREFIXED, *_SHOWN_PREFIX):
        before = re.sub(r"\W+", "_", prefix).strip("_") + "_" if prefix and kind in _PREFIXED else prefix
        for each in resources.get(kind, {}).values():
            each["name"] = before + plain.resolved(str(each.get("name", "")))
    return plain


def _targets(sources: Sequence[Source]) -> dict[str, list[dict[str, Any]]]:
    """What the files say of each target."""
    found: dict[str, list[dict[str, Any]]] = {}
    for source in sources:
        for part in source.parts():
            if part.at:
                found.setdefault(part.target, []).append(part.data)
    return found


def _variables(
    parts: Sequence[Mapping[str, Any]], overrides: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in parts:
        for name, said in mapping_of(part.get("variables")).items():
            value = said.get("default") if isinstance(said, dict) else said
            if value is not None:
                values[name] = str(value)
            else:
                values.setdefault(name, f"${{var.{name}}}")
    more = {name: str(value) for name, value in overrides.items()} | dict(given)
    return values | {name: value for name, value in more.items() if name in values}


def _overrides(root: Path, target: str) -> Mapping[str, Any]:
    file = root / ".databricks" / "bundle" / target / "variable-overrides.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        message = f"the file '{file}' cannot be used: {error}"
        raise ConfigurationError(message, "LP961", "write JSON: a mapping from variables to values") from error
    return mapping_of(found)


def _resources(parts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    merged: dict[str, Any] = {}
    for part in parts:
        merged = _merged(merged, mapping_of(part.get("resources")))
    return {kind: {key: mapping_of(each) for key, each in mapping_of(kinds).items()} for kind, kinds in merged.items()}


def _merged(one: Any, other: Any) -> Any:
    """What both say: mappings by key, lists one after the other, else what is said last."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            key: _merged(one[key], other[key]) if key in one and key in other else {**one, **other}[key]
            for key in {**one, **other}
        }
    return [*one, *other] if isinstance(one, list) and isinstance(other, list) else other
