"""Which contract belongs to which port and datasets: a file that people review, and that `discover` writes."""

from __future__ import annotations

import re
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lakepact.errors import ConfigurationError, UsageError

__all__ = ["Mapped", "Mapping", "mapping_text", "read_mapping"]

_VERSION: Final = 1
_LARGEST: Final = 4_000_000
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_IDS: Final = ("port", "product", "asset")
_HEAD: Final = """\
# Which data contract belongs to which port in Collibra, and to which datasets. Review it, then name it in the settings.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One contract: the ids of its port, its data product and its own asset in Collibra, and its datasets."""

    contract_id: str
    port: str
    product: str = ""
    asset: str = ""
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapping:
    """All contracts that are mapped, by any order; a port, and a dataset, has one contract at most."""

    contracts: tuple[Mapped, ...] = ()

    def port_of(self, contract_id: str) -> str:
        """The id of the port of a contract. Raises ConfigurationError LP909 where it is not mapped."""
        found = next((each for each in self.contracts if each.contract_id == contract_id), None)
        if found is None:
            message = f"the contract '{contract_id}' is mapped to no port of Collibra"
            raise ConfigurationError(message, "LP909", "`lakepact collibra discover` finds candidates for the mapping")
        return found.port

    def asset_of(self, contract_id: str) -> str:
        """The id of the asset of a contract; empty where the mapping does not say."""
        return next((each.asset for each in self.contracts if each.contract_id == contract_id), "")

    def of_dataset(self, dataset: str) -> Mapped | None:
        """The contract of a dataset such as `catalog.schema.table`; None where it is not mapped."""
        return next((each for each in self.contracts if dataset in each.datasets), None)


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file. Raises ConfigurationError LP914 for what is none."""
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            raise _wrong(path, f"it has more than {_LARGEST:,} bytes")
        data = yaml.safe_load(content)
    except OSError as error:
        raise _wrong(path, f"it cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(path, "it is no YAML") from error
    if not isinstance(data, dict) or data.get("version") != _VERSION:
        raise _wrong(path, f"it does not say `version: {_VERSION}`")
    entries = data.get("contracts") or {}
    if not isinstance(entries, dict):
        raise _wrong(path, "`contracts` is no mapping from ids of contracts")
    contracts = tuple(_entry(path, str(key), value) for key, value in entries.items())
    _refuse_twice(path, contracts)
    return Mapping(contracts)


def mapping_text(mapping: Mapping) -> str:
    """The mapping as the text of a file.

    >>> port = "7f1c0e1a-0000-4000-8000-000000000001"
    >>> entry = Mapped(contract_id="sales.orders", port=port, datasets=("main.sales.orders",))
    >>> print(mapping_text(Mapping((entry,))).split("\\n", 1)[1], end="")
    version: 1
    contracts:
      sales.orders:
        port: 7f1c0e1a-0000-4000-8000-000000000001
        datasets:
        - main.sales.orders
    """
    contracts: dict[str, Any] = {}
    for each in sorted(mapping.contracts, key=lambda entry: entry.contract_id):
        ids = {name: value for name in _IDS if (value := getattr(each, name))}
        contracts[each.contract_id] = ids | ({"datasets": list(each.datasets)} if each.datasets else {})
    text: str = yaml.safe_dump({"version": _VERSION, "contracts": contracts}, sort_keys=False, allow_unicode=True)
    return _HEAD + text


def _entry(path: Path, contract_id: str, data: object) -> Mapped:
    if not isinstance(data, AbstractMapping):
        raise _wrong(path, f"'{contract_id}' is no mapping")
    unknown = sorted(str(key) for key in data if key not in (*_IDS, "datasets"))
    if unknown:
        raise _wrong(path, f"'{contract_id}' has the unknown key `{unknown[0]}`")
    datasets = data.get("datasets") or []
    if not isinstance(datasets, list) or not all(isinstance(each, str) for each in datasets):
        raise _wrong(path, f"`datasets` of '{contract_id}' is no list of names")
    for name in _IDS:
        value = data.get(name)
        if (value is not None or name == "port") and not (isinstance(value, str) and _UUID.fullmatch(value)):
            raise _wrong(path, f"`{name}` of '{contract_id}' is no id of Collibra")
    return Mapped(
        contract_id=contract_id,
        port=data["port"].lower(),
        product=(data.get("product") or "").lower(),
        asset=(data.get("asset") or "").lower(),
        datasets=tuple(datasets),
    )


def _refuse_twice(path: Path, contracts: tuple[Mapped, ...]) -> None:
    owners: dict[str, str] = {}
    for each in contracts:
        for what in (f"the port {each.port}", *(f"the dataset '{name}'" for name in each.datasets)):
            other = owners.setdefault(what, each.contract_id)
            if other != each.contract_id:
                message = f"{path} maps {what} to '{other}' and to '{each.contract_id}'"
                raise UsageError(message, "LP908", "a port and a dataset have one contract each")


def _wrong(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"{path} is no mapping for Collibra: {why}", "LP914", "see docs/collibra.md")
