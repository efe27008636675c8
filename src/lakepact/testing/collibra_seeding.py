"""Fills the Collibra double from a YAML file: what an administrator and stewards would have made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lakepact.testing.collibra_errors import ApiError
from lakepact.testing.collibra_server import CollibraServer

__all__ = ["SeedFile", "read_seed", "seed_server"]

_KEYS: Final = ("statuses", "attributes", "tables", "ports", "workflows")
_PORT_KEYS: Final = ("tables", "product", "contract", "status")
_LARGEST: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class SeedFile:
    """What a file says, read and checked: names to make, ports by name, and the bytes of their contracts."""

    statuses: tuple[str, ...]
    attributes: Mapping[str, str]
    tables: Mapping[str, tuple[str, ...]]
    ports: Mapping[str, Mapping[str, Any]]
    workflows: tuple[str, ...]
    manifests: Mapping[str, bytes]


def read_seed(file: Path) -> SeedFile:
    """The seed in a file; contracts are read from files beside it. Raises ValueError for what is none.

    `statuses` and `workflows` are lists of names; `attributes` maps names to kinds (STRING, NUMERIC, BOOLEAN, DATE) and
    `tables` maps names to columns, or they are lists of names. `ports` maps names to `tables`, `product`, the file of
    the `contract`, and the `status` of its asset, all optional.
    """
    try:
        content = file.read_bytes()
        data = yaml.safe_load(content) if len(content) <= _LARGEST else None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise _wrong(file, "it is no mapping in YAML")
    _known(file, data, _KEYS, "it")
    attributes = _named(file, data, "attributes", "STRING")
    tables = _named(file, data, "tables", ())
    ports = _named(file, data, "ports", {})
    manifests: dict[str, bytes] = {}
    for name, port in ports.items():
        if not isinstance(port, dict):
            raise _wrong(file, f"the port '{name}' is no mapping")
        _known(file, port, _PORT_KEYS, f"the port '{name}'")
        unknown = [each for each in _texts(file, port, "tables") if each not in tables]
        if unknown:
            raise _wrong(file, f"the port '{name}' has the table '{unknown[0]}', which `tables` does not have")
        if "contract" in port:
            manifests[name] = _beside(file, str(port["contract"]))
        elif "status" in port:
            raise _wrong(file, f"the port '{name}' has a status and no contract")
    return SeedFile(
        statuses=tuple(_texts(file, data, "statuses")),
        attributes={name: str(kind) for name, kind in attributes.items()},
        tables={name: tuple(_texts(file, tables, name)) for name in tables},
        ports=ports,
        workflows=tuple(_texts(file, data, "workflows")),
        manifests=manifests,
    )


def seed_server(server: CollibraServer, seed: SeedFile) -> dict[str, str]:
    """Make all of it in a server; the ids of the ports by name. Raises ValueError where that cannot be."""
    try:
        return _made(server, seed)
    except (ApiError, KeyError) as error:
        why = error.envelope()["userMessage"] if isinstance(error, ApiError) else f"there is no {error}"
        raise ValueError(f"the seed cannot be made: {why}") from None


def _made(server: CollibraServer, seed: SeedFile) -> dict[str, str]:
    for name in seed.statuses:
        server.add_status(name)
    for name, kind in seed.attributes.items():
        server.add_attribute_type(name, kind)
    for name in seed.workflows:
        server.add_workflow(name)
    tables = {name: server.add_table(name, columns) for name, columns in seed.tables.items()}
    products: dict[str, list[str]] = {}
    ports: dict[str, str] = {}
    for name, port in seed.ports.items():
        ports[name] = server.add_port(name, tables=[tables[each] for each in port.get("tables") or ()])
        if port.get("product"):
            products.setdefault(str(port["product"]), []).append(ports[name])
        if name in seed.manifests:
            asset = server.add_contract(f"{name} contract", ports[name], seed.manifests[name])
            if port.get("status"):
                server.set_asset_status(asset, str(port["status"]))
    for name, exposed in products.items():
        server.add_product(name, ports=exposed)
    return ports


def _beside(file: Path, name: str) -> bytes:
    path = file.parent / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise _wrong(file, f"the contract {path} cannot be read: {error.strerror}") from None


def _named(file: Path, data: Mapping[str, Any], key: str, default: Any) -> dict[str, Any]:
    """A mapping by name; a list of names has the default for each."""
    value = data.get(key) or {}
    if isinstance(value, list):
        return {str(each): default for each in value}
    if not isinstance(value, dict):
        raise _wrong(file, f"`{key}` is neither a list nor a mapping")
    return {str(name): default if each is None else each for name, each in value.items()}


def _texts(file: Path, data: Mapping[str, Any], key: str) -> Sequence[str]:
    value = data.get(key) or ()
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise _wrong(file, f"`{key}` is no list of texts")
    return value


def _known(file: Path, data: Mapping[str, Any], keys: Sequence[str], what: str) -> None:
    unknown = [str(each) for each in data if each not in keys]
    if unknown:
        raise _wrong(file, f"{what} has the unknown key `{unknown[0]}`; known are {', '.join(keys)}")


def _wrong(file: Path, why: str) -> ValueError:
    return ValueError(f"{file} is no seed of a Collibra: {why}")
