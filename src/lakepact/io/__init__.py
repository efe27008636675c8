"""Reads and writes of data under a contract."""

from lakepact.io.checking import Checks, check_with_contract, expecting, keeps_contract
from lakepact.io.model import CheckResult, ChecksOn, OnMismatch, OnViolation, WriteMode, WriteResult
from lakepact.io.reading import OnRead, read_with_contract
from lakepact.io.resolving import Surroundings, using
from lakepact.io.streaming import Intervention, write_stream_with_contract
from lakepact.io.writing import write_with_contract

__all__ = [
    "CheckResult",
    "Checks",
    "ChecksOn",
    "Intervention",
    "OnMismatch",
    "OnRead",
    "OnViolation",
    "Surroundings",
    "WriteMode",
    "WriteResult",
    "check_with_contract",
    "expecting",
    "keeps_contract",
    "read_with_contract",
    "using",
    "write_stream_with_contract",
    "write_with_contract",
]
