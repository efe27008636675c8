"""Finds out which contract, port, product and tables belong together; where several could, it names them all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lakepact.collibra.gateway import (
    EXPOSES_AS,
    GOVERNS,
    IMPLEMENTED_AS,
    PORT_TYPE,
    TABLE_TYPE,
    CollibraGateway,
)
from lakepact.collibra.mapping import Mapped, Mapping
from lakepact.errors import ConfigurationError, UsageError

__all__ = ["Candidate", "Discovered", "candidates", "discover", "find_port", "table_path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A port that may be that of a dataset, and `why`."""

    port: str
    why: str


@dataclass(frozen=True, slots=True)
class Discovered:
    """A mapping to review, and sentences about what could not be decided."""

    mapping: Mapping
    doubts: tuple[str, ...]


def find_port(
    gateway: CollibraGateway,
    dataset: str,
    *,
    contract_id: str = "",
    mapping: Mapping = Mapping(),  # noqa: B008 (frozen)
    external_system: str = "",
) -> str:
    """The port of a dataset. Raises UsageError LP908 where several could be it, ConfigurationError LP909 where none."""
    found = candidates(gateway, dataset, contract_id=contract_id, mapping=mapping, external_system=external_system)
    ports = sorted({each.port for each in found})
    if len(ports) == 1:
        return ports[0]
    if not ports:
        message = f"the dataset '{dataset}' has no port in Collibra"
        raise ConfigurationError(message, "LP909", "map it in the mapping file, or relate its table to a port there")
    listed = "; ".join(f"{each.port} ({each.why})" for each in found)
    raise UsageError(
        f"the dataset '{dataset}' has {len(ports)} ports in Collibra: {listed}",
        "LP908",
        "say in the mapping file which it is",
        {"dataset": dataset, "ports": ports},
    )


def candidates(
    gateway: CollibraGateway,
    dataset: str,
    *,
    contract_id: str = "",
    mapping: Mapping = Mapping(),  # noqa: B008 (frozen)
    external_system: str = "",
) -> tuple[Candidate, ...]:
    """The ports that a dataset such as `catalog.schema.table` may have, from the surest source that knows any.

    In this order: the mapping; the contract of that id; the name that the external system has for an asset; the table
    of that name in the catalogue.
    """
    mapped = mapping.of_dataset(dataset)
    if mapped is not None:
        return (Candidate(port=mapped.port, why="the mapping file"),)
    by_contract = _by_contract(gateway, contract_id) if contract_id else ()
    if by_contract:
        return by_contract
    asset = gateway.mapped(external_system, dataset) if external_system else None
    if asset is not None:
        why = f"the name in {external_system}"
        ports = {each.id for each in gateway.assets(PORT_TYPE)}
        return (Candidate(port=asset, why=why),) if asset in ports else _of_table(gateway, asset, why)
    parts = dataset.split(".")
    tables = gateway.assets(TABLE_TYPE, name=parts[-1])
    named = [each for each in tables if table_path(each.name)[-len(parts) :] == [part.casefold() for part in parts]]
    return tuple(found for table in named for found in _of_table(gateway, table.id, f"the table {table.name}"))


def discover(gateway: CollibraGateway) -> Discovered:
    """The mapping of all contracts that the tenant has, in few requests."""
    governs = {each.source: each.target for each in gateway.relations(GOVERNS)}
    products = _several((each.target, each.source) for each in gateway.relations(EXPOSES_AS))
    tables = _several((each.source, each.target) for each in gateway.relations(IMPLEMENTED_AS))
    names = {each.id: _dataset(each.name) for each in gateway.assets(TABLE_TYPE)}
    shared = _several((table, port) for port, found in tables.items() for table in found)
    doubts: list[str] = []
    mapped: list[Mapped] = []
    seen: dict[str, str] = {}
    for contract in sorted(gateway.contracts(), key=lambda each: each.manifest_id):
        port = governs.get(contract.id)
        if port is None:
            doubts.append(f"the contract '{contract.manifest_id}' governs no port")
            continue
        if contract.manifest_id in seen:
            doubts.append(f"two contracts have the id '{contract.manifest_id}': {seen[contract.manifest_id]}, {port}")
            continue
        seen[contract.manifest_id] = port
        exposing = products.get(port, ())
        if len(exposing) > 1:
            doubts.append(f"the port of '{contract.manifest_id}' belongs to {len(exposing)} products")
        datasets = []
        for table in tables.get(port, ()):
            if len(shared[table]) > 1:
                doubts.append(f"the table {names.get(table, table)} implements {len(shared[table])} ports")
            elif table in names:
                datasets.append(names[table])
        product = exposing[0] if len(exposing) == 1 else ""
        mapped.append(
            Mapped(
                contract_id=contract.manifest_id,
                port=port,
                product=product,
                asset=contract.id,
                datasets=tuple(sorted(datasets)),
            )
        )
    free = [each for each in gateway.assets(PORT_TYPE) if each.id not in set(governs.values())]
    doubts += [f"the port '{each.name}' ({each.id}) has no contract yet" for each in free]
    return Discovered(Mapping(tuple(mapped)), tuple(dict.fromkeys(doubts)))


def table_path(name: str) -> list[str]:
    """The parts of the name of a table: catalogues write its path with `>`, and the system it is in first.

    >>> table_path("databricks>main > Sales>orders"), table_path("main.sales.orders")
    (['databricks', 'main', 'sales', 'orders'], ['main', 'sales', 'orders'])
    """
    return [part.strip().casefold() for part in (name.split(">") if ">" in name else name.split("."))]


def _by_contract(gateway: CollibraGateway, contract_id: str) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(port=relation.target, why=f"the contract '{contract_id}'")
        for contract in gateway.contracts(manifest_id=contract_id)
        for relation in gateway.relations(GOVERNS, source=contract.id)
    )


def _of_table(gateway: CollibraGateway, table: str, why: str) -> tuple[Candidate, ...]:
    # Ports, products and contracts are the sources of their relations: from a table everything comes in.
    return tuple(Candidate(port=each.source, why=why) for each in gateway.relations(IMPLEMENTED_AS, target=table))


def _dataset(name: str) -> str:
    parts = [part.strip() for part in name.split(">")] if ">" in name else name.split(".")
    return ".".join(parts[-3:])


def _several(pairs: Iterable[tuple[str, str]]) -> dict[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(sorted(set(values))) for key, values in found.items()}
