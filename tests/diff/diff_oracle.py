"""An independent reading of generated contracts: what each means, and what a list of changes makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from diff_samples import Data, loaded

from lakepact.contract.types import resolve_type
from lakepact.diff import Change, ChangeKind

Meaning = dict[str, Any]


def applied(changes: Sequence[Change], old: Meaning, new: Meaning) -> Meaning:
    """The old meaning with each change made. What is inside of an element that came is taken from `new`."""
    found = dict(old)
    for change in changes:
        if change.kind is ChangeKind.MOVED:
            continue
        if change.path in old or change.path in new:
            _set(found, change)
            if change.path.endswith(".type"):
                base = change.path.removesuffix(".type")
                _replace(found, new, (f"{base}.properties.", f"{base}.properties[", f"{base}.items."))
        else:
            inside = (f"{change.path}.", f"{change.path}[")
            side = {ChangeKind.ADDED: new, ChangeKind.REMOVED: old}[change.kind]
            assert any(key.startswith(inside) for key in side), change
            _replace(found, new, inside)
    return found


def _set(found: Meaning, change: Change) -> None:
    assert found.get(change.path) == _comparable(change.path, change.old), change
    value = _comparable(change.path, change.new)
    found[change.path] = value
    if value is None:
        del found[change.path]


def _replace(found: Meaning, new: Meaning, prefixes: tuple[str, ...]) -> None:
    for key in [key for key in found if key.startswith(prefixes)]:
        del found[key]
    found.update({key: value for key, value in new.items() if key.startswith(prefixes)})


def _comparable(path: str, value: Any) -> Any:
    if value is None:
        return None
    if path.endswith(".threshold"):
        return _accepted(value)
    if path.endswith(".type"):
        return str(value).partition("<")[0]
    return frozenset(map(str, value)) if isinstance(value, tuple) else value


def _accepted(text: str) -> Any:
    """The counts, or shares in half percents, that a threshold accepts; none is none in both units."""
    operator, _, rest = text.partition(" ")
    *words, unit = rest.split()
    numbers = [int(word) for word in words if word != "and"]
    scale = 1 if unit == "rows" else 2
    values = [Fraction(n, scale) for n in range(20 * scale)]
    tests = {
        "mustBe": lambda value: value == numbers[0],
        "mustBeLessThan": lambda value: value < numbers[0],
        "mustBeBetween": lambda value: numbers[0] <= value <= numbers[-1],
    }
    found = frozenset(value for value in values if tests[operator](value))
    return found if found <= {0} else (unit, found)


def step(path: str, name: str) -> str:
    plain = name.replace("_", "").isalnum()
    return f"{path}.{name}" if plain else f"{path}[{json.dumps(name, ensure_ascii=False)}]"


def meaning(data: Data) -> Meaning:
    """What a generated contract means, by the paths of changes."""
    found: Meaning = {key: data[key] for key in ("status",) if key in data}
    if data.get("tags"):
        found["tags"] = frozenset(data["tags"])
    for server in data.get("servers", []):
        found |= {f"servers.p.{key}": value for key, value in server.items() if key != "server"}
    for level in data.get("slaProperties", []):
        found[f"slaProperties.{level['property']}.value"] = f"{level['property']} {level['value']} {level['unit']}"
    for role in data.get("roles", []):
        found |= {f"roles.r.{key}": value for key, value in role.items()}
    for custom in data.get("customProperties", []):
        found["customProperties.p.value"] = custom["value"]
    for channel in data.get("support", []):
        found |= {f"support.k.{key}": value for key, value in channel.items()}
    found |= {f"price.{key}": value for key, value in data.get("price", {}).items()}
    for described, typed in zip(data["schema"], loaded(data).schema, strict=True):
        found |= _object(described, typed)
    return found


def _object(described: Data, typed: Any) -> Meaning:
    path = f"schema.{described['name']}"
    found: Meaning = {f"{path}.physicalName": described.get("physicalName", described["name"])}
    if "description" in described:
        found[f"{path}.description"] = described["description"]
    if described.get("tags"):
        found[f"{path}.tags"] = frozenset(described["tags"])
    for flag, key in (("primaryKey", "primaryKey"), ("partitioned", "partitioning")):
        names = frozenset(field["name"] for field in described["properties"] if field.get(flag))
        if names:
            found[f"{path}.{key}"] = names
    found |= _rules(path, described)
    sole = [field["name"] for field in described["properties"] if field.get("primaryKey")]
    for field, prop in zip(described["properties"], typed.properties, strict=True):
        found |= _field(step(f"{path}.properties", field["name"]), field, prop, sole=sole == [field["name"]])
    return found


def _rules(path: str, owner: Data) -> Meaning:
    found: Meaning = {}
    for rule in owner.get("quality", []):
        base = f"{path}.quality.{rule['id']}"
        operator = next(key for key in rule if key.startswith("must"))
        value = rule[operator]
        shown = " and ".join(map(str, value)) if isinstance(value, list) else str(value)
        found[f"{base}.threshold"] = _accepted(f"{operator} {shown} {rule.get('unit', 'rows')}")
        if "severity" in rule:
            found[f"{base}.severity"] = rule["severity"]
    return found


def _field(path: str, field: Data, prop: Any, *, sole: bool = False) -> Meaning:
    found: Meaning = {
        f"{path}.type": resolve_type(prop, variant=True).ddl.partition("<")[0],
        f"{path}.required": bool(field.get("required") or field.get("primaryKey")),
        f"{path}.unique": bool(field.get("unique")) or sole,
        f"{path}.deprecated": field.get("deprecated", False),
    }
    if "name" in field:
        found[f"{path}.physicalName"] = field.get("physicalName", field["name"])
    found |= {f"{path}.{key}": field[key] for key in ("description", "classification") if key in field}
    if field.get("tags"):
        found[f"{path}.tags"] = frozenset(field["tags"])
    if "enum" in field:
        found[f"{path}.enum"] = frozenset(str(entry["value"]) for entry in field["enum"])
    found |= {f"{path}.logicalTypeOptions.{key}": value for key, value in _options(field)}
    found |= _rules(path, field)
    for inner, typed in zip(field.get("properties", []), prop.properties, strict=True):
        found |= _field(step(f"{path}.properties", inner["name"]), inner, typed)
    if "items" in field:
        found |= _field(f"{path}.items", field["items"], prop.items)
    return found


def _options(field: Data) -> Iterator[tuple[str, Any]]:
    option = field.get("logicalTypeOptions", {})
    whole = field.get("logicalType") == "integer"
    lower = [(option["minimum"], 0)] if "minimum" in option else []
    lower += [(option["exclusiveMinimum"], 1)] if "exclusiveMinimum" in option else []
    upper = [(option["maximum"], 0)] if "maximum" in option else []
    upper += [(option["exclusiveMaximum"], -1)] if "exclusiveMaximum" in option else []
    if lower:
        value, above = max((v + a, 0) if whole else (v, a) for v, a in lower)
        yield "minimum", f">{'' if above else '='} {value}"
    if upper:
        value, below = min((v + b, 0) if whole else (v, b) for v, b in upper)
        yield "maximum", f"<{'' if below else '='} {value}"
    yield from ((key, option[key]) for key in ("maxLength", "pattern") if key in option)
    if option.get("minLength"):
        yield "minLength", option["minLength"]
    if option.get("multipleOf", 1) != 1:
        yield "multipleOf", option["multipleOf"]


def reordered(old: Data, new: Data) -> set[str]:
    """The lists of properties whose common members stand in another order."""
    before, after = dict(_orders(old)), dict(_orders(new))
    return {
        path
        for path in before.keys() & after.keys()
        if [name for name in before[path] if name in after[path]] != [n for n in after[path] if n in before[path]]
    }


def _orders(data: Data) -> Iterator[tuple[str, list[str]]]:
    for described in data["schema"]:
        yield from _order(f"schema.{described['name']}.properties", described["properties"])


def _order(path: str, fields: list[Data]) -> Iterator[tuple[str, list[str]]]:
    yield path, [field["name"] for field in fields]
    for field in fields:
        if "properties" in field:
            yield from _order(step(path, field["name"]) + ".properties", field["properties"])
