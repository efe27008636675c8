"""How well data is protected: classification, critical data, encrypted names, tags that mark personal data."""

from __future__ import annotations

import re
from typing import Any

from lakepact.diff.effects import MINOR, PATCH, READERS, Effect

__all__ = ["classification_effect", "critical_effect", "encrypted_effect", "tags_effect"]

# Restricted and confidential stand in either order, by house; a change between them has no direction that is known.
_CLASSES = {
    **dict.fromkeys(("public", "open", "unclassified"), 0),
    **dict.fromkeys(("internal", "general", "internal use only"), 1),
    **dict.fromkeys(("confidential", "restricted", "sensitive", "private", "pii"), 2),
    **dict.fromkeys(("highly confidential", "highly restricted", "strictly confidential", "secret", "top secret"), 3),
}
_PROTECTIVE_TAGS = frozenset(
    ("pii", "phi", "pci", "gdpr", "hipaa", "personal", "personal data", "sensitive", "confidential", "restricted")
)
_LESS = "less protection is promised"


def classification_effect(old: str | None, new: str | None) -> Effect:
    """Lowered or removed protection is major, a higher one minor; between words of unknown order it is major."""
    if old is None:
        return MINOR
    if new is None:
        return READERS.because(_LESS)
    before, after = _normal(old), _normal(new)
    if before == after:
        return PATCH
    if before not in _CLASSES or after not in _CLASSES or _CLASSES[before] == _CLASSES[after]:
        return READERS.because("which of the two protects more is not known")
    return MINOR if _CLASSES[after] > _CLASSES[before] else READERS.because(_LESS)


def critical_effect(old: bool, new: bool) -> Effect:
    """Data that is critical no longer is checked with less care."""
    return MINOR if new else READERS.because(_LESS)


def encrypted_effect(old: str | None, new: str | None) -> Effect:
    """The encrypted column is an address that readers use."""
    return MINOR if old is None else READERS.because("readers of the encrypted column lose it")


def tags_effect(old: Any, new: Any) -> Effect:
    """Tags are words for people, except those that mark data to be protected."""
    if any(_protects(tag) for tag in set(old or ()) - set(new or ())):
        return READERS.because(_LESS)
    return MINOR if any(_protects(tag) for tag in set(new or ()) - set(old or ())) else PATCH


def _protects(tag: str) -> bool:
    return any(_normal(word) in _PROTECTIVE_TAGS for word in re.split(r"[:=.]", tag))


def _normal(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text).strip().casefold()
