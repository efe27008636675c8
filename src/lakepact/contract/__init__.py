"""ODCS documents: the typed model, the grammar of each version, the loader with positions, versions and variables."""

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
    "latest",
    "load_contract",
    "read_contract",
    "resolve",
    "unresolved_variables",
]
