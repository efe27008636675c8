"""Units of time that service levels are written in."""

from __future__ import annotations

from fractions import Fraction
from types import MappingProxyType

__all__ = ["UNIT_SECONDS"]

_NAMES = {
    Fraction(1, 1000): "ms millisecond milliseconds",
    Fraction(1): "s sec secs second seconds",
    Fraction(60): "min mins minute minutes",
    Fraction(3600): "h hr hrs hour hours",
    Fraction(86400): "d day days",
    Fraction(604800): "w wk week weeks",
    Fraction(2629746): "mo mon month months",
    Fraction(31556952): "y yr yrs year years",
}

# Seconds by the name of the unit in lower case. Months and years are those of the Gregorian calendar on average; `m` is
# not here, because it means minutes to some and months to others.
UNIT_SECONDS = MappingProxyType({name: seconds for seconds, names in _NAMES.items() for name in names.split()})
