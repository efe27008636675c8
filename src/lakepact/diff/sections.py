"""Compares lists of named entries: servers, roles, rules, service levels, custom properties and the like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lakepact.contract.model import AuthoritativeDefinition, CustomProperty, Place
from lakepact.diff.effects import MINOR, PATCH, Effect
from lakepact.diff.facts import Fact, compare_facts, fact
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.matching import Key, numbered, pairs
from lakepact.diff.model import ChangeKind
from lakepact.diff.plain import compare_plain, compare_rest
from lakepact.diff.values import quoted

__all__ = ["AUTHORITATIVE_DEFINITIONS", "CUSTOM_PROPERTIES", "Section", "compare_attachments", "compare_section"]

T = TypeVar("T")


def _patch(_element: object) -> Effect:
    return PATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(Generic[T]):
    """A list of named elements: how they are found again and what each difference costs. Their order has no meaning.

    `name` is the part of the path, `value` what a change shows of an element that came or went, `deeper` compares what
    no fact holds, `known` are the keys that the model has (None: all that there are).
    """

    key: str
    noun: str
    matched_by: tuple[Key[T], ...]
    name: Callable[[T], str]
    value: Callable[[T], object]
    place: Callable[[T], Place]
    known: frozenset[str] | None
    facts: tuple[Fact, ...] = ()
    added: Callable[[T], Effect] = _patch
    removed: Callable[[T], Effect] = _patch
    renamed: Effect | None = None
    deeper: Callable[[Findings, Spot, T, T], None] | None = None


def compare_section(findings: Findings, owner: Spot, section: Section[T], old: Sequence[T], new: Sequence[T]) -> None:
    """Note the elements that came, went, were renamed, or say something else."""
    if not old and not new:
        return
    names_old = dict(zip(map(id, old), numbered(map(section.name, old)), strict=True))
    names_new = dict(zip(map(id, new), numbered(map(section.name, new)), strict=True))
    of_owner = f" of {owner.label}" if owner.path else ""
    for was, now in pairs(old, new, section.matched_by):
        name = names_new[id(now)] if now is not None else names_old[id(was)]
        spot = owner.at(
            section.key,
            name,
            label=f"{section.noun} {quoted(name)}{of_owner}",
            old=None if was is None else section.place(was).path,
            new=None if now is None else section.place(now).path,
        )
        if was is not None and now is not None:
            _compare_elements(findings, spot, section, was, now)
        elif now is not None:
            value = section.value(now)
            findings.add(spot, "", ChangeKind.ADDED, section.added(now), f"{spot.label} was added", new=value)
        elif was is not None:
            value = section.value(was)
            findings.add(spot, "", ChangeKind.REMOVED, section.removed(was), f"{spot.label} was removed", old=value)


def _compare_elements(findings: Findings, spot: Spot, section: Section[T], old: T, new: T) -> None:
    was, now = section.name(old), section.name(new)
    if was != now and section.renamed is not None:
        sentence = f"{spot.label} was called {quoted(was)} before"
        findings.add(spot, "", ChangeKind.RENAMED, section.renamed, sentence, old=was, new=now)
    compare_facts(findings, spot, old, new, section.facts)
    if section.deeper is not None:
        section.deeper(findings, spot, old, new)
    if section.known is not None:
        compare_rest(findings, spot, section.known)


def _custom_effect(entry: CustomProperty) -> Effect:
    if entry.property.startswith("lakepact."):
        return MINOR.because("it steers what lakepact does")
    return PATCH


def _compare_custom_value(findings: Findings, spot: Spot, old: CustomProperty, new: CustomProperty) -> None:
    compare_plain(findings, spot.inside("value"), "value", old.value, new.value, _custom_effect(new))


CUSTOM_PROPERTIES: Section[CustomProperty] = Section(
    key="customProperties",
    noun="custom property",
    matched_by=(lambda entry: entry.property or None, lambda entry: entry.id),
    name=lambda entry: entry.property,
    value=lambda entry: entry.value,
    place=lambda entry: entry.place,
    facts=(fact("id"), fact("description"), fact("vendor")),
    known=frozenset(("id", "property", "value", "description", "vendor")),
    added=_custom_effect,
    removed=_custom_effect,
    renamed=PATCH,
    deeper=_compare_custom_value,
)

AUTHORITATIVE_DEFINITIONS: Section[AuthoritativeDefinition] = Section(
    key="authoritativeDefinitions",
    noun="definition",
    matched_by=(lambda entry: entry.id, lambda entry: (entry.type, entry.url), lambda entry: entry.type),
    name=lambda entry: entry.id or entry.type,
    value=lambda entry: entry.url,
    place=lambda entry: entry.place,
    facts=(fact("id"), fact("type"), fact("url"), fact("description")),
    known=frozenset(("id", "type", "url", "description")),
)


def compare_attachments(
    findings: Findings,
    spot: Spot,
    old: Sequence[CustomProperty],
    new: Sequence[CustomProperty],
    old_links: Sequence[AuthoritativeDefinition] = (),
    new_links: Sequence[AuthoritativeDefinition] = (),
) -> None:
    """Compare the custom properties and the authoritative definitions of an element."""
    compare_section(findings, spot, CUSTOM_PROPERTIES, old, new)
    compare_section(findings, spot, AUTHORITATIVE_DEFINITIONS, old_links, new_links)
