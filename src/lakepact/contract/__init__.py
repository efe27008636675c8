"""ODCS documents: the typed model, the grammar of each version, the loader with positions, versions and variables."""

from lakepact.contract.interchange import from_official, official_losses, to_official
from lakepact.contract.loader import Mode, load_contract, read_contract
from lakepact.contract.model import ApiVersion, Contract, Place
from lakepact.contract.problems import MEANINGS, Code
from lakepact.contract.variables import resolve, unresolved_variables
from lakepact.contract.versions import SpecifierSet, Version, latest

__all__ = [
    "MEANINGS",
    "ApiVersion",
    "Code",
    "Contract",
    "Mode",
    "Place",
    "SpecifierSet",
    "Version",
    "from_official",
    "latest",
    "load_contract",
    "official_losses",
    "read_contract",
    "resolve",
    "to_official",
    "unresolved_variables",
]
