"""Compares two contracts by what they mean: every difference with its level, and whether the version covers them."""

from __future__ import annotations

from collections.abc import Sequence

from lakepact.contract.model import NOWHERE, Contract, Description
from lakepact.contract.statuses import DRAFT_STATUSES, plain_status
from lakepact.diff.addresses import Addresses
from lakepact.diff.effects import EVERYBODY, MINOR, PATCH, READERS, Effect
from lakepact.diff.facts import compare_facts, fact
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.model import Comparison, Level
from lakepact.diff.objects import compare_objects
from lakepact.diff.people import compare_roles, compare_team
from lakepact.diff.plain import compare_rest
from lakepact.diff.protection import tags_effect
from lakepact.diff.required import covers, required_version
from lakepact.diff.sections import compare_attachments
from lakepact.diff.servers import compare_servers
from lakepact.diff.sla import compare_sla
from lakepact.diff.tree import paired_schema
from lakepact.diff.waivers import Waiver, reasons_for

__all__ = ["compare"]

_NOTHING_SAID = Description(place=NOWHERE)


def _status_effect(old: str | None, new: str | None) -> Effect:
    before, after = plain_status(old), plain_status(new)
    if before == after:
        return PATCH
    if after == "retired":
        return READERS.because("the data is not offered any more")
    if before in ("active", "deprecated") and after in DRAFT_STATUSES:
        return READERS.because("what was published is a draft again")
    return MINOR


_FACTS = (
    fact("id", EVERYBODY.because("another id is another contract")),
    fact("api_version"),
    fact("status", _status_effect),
    fact("name"),
    fact("tenant", MINOR),
    fact("domain", MINOR),
    fact("data_product", MINOR),
    fact("tags", tags_effect),
    fact("sla_default_element"),
)
_KNOWN = frozenset(
    (
        *("id", "version", "kind", "apiVersion", "status", "name", "tenant", "domain", "dataProduct", "tags"),
        *("description", "schema", "servers", "slaDefaultElement", "slaProperties", "team", "roles"),
        *("customProperties", "authoritativeDefinitions"),
    )
)


def compare(old: Contract, new: Contract, *, waivers: Sequence[Waiver] = ()) -> Comparison:
    """Every difference in what two versions of a contract mean, and which version number it asks for.

    Types are those that DDL and checks use, both grammars of the standard give the same meaning, and what is written
    otherwise but means the same is no change. A waiver takes its changes out of what the version must cover.

    >>> from lakepact.contract import load_contract
    >>> head = "apiVersion: v3.2.0\\nkind: DataContract\\nid: a\\nversion: 1.0.0\\n"
    >>> text = head + "schema: [{name: t, properties: [%s]}]"
    >>> old = load_contract((text % "{name: n, logicalType: integer}").encode())
    >>> new = load_contract((text % "").encode())
    >>> found = compare(old, new)
    >>> found.level.value, found.required_version, [change.sentence for change in found.changes]
    ('major', '2.0.0', ['`t.n` was removed.'])
    """
    findings = Findings(old, new)
    _compare_root(findings, old, new)
    schema = paired_schema(old.schema, new.schema)
    addresses = Addresses(old, new, schema)
    compare_objects(findings, addresses, schema)
    compare_servers(findings, old, new)
    compare_sla(findings, addresses, old, new)
    compare_team(findings, old, new)
    compare_roles(findings, old, new)
    compare_rest(findings, Spot(), _KNOWN, {"price": MINOR})
    findings.waive(reasons_for(new.id, [change.path for change in findings.changes], waivers))
    return _comparison(findings, old, new)


def _compare_root(findings: Findings, old: Contract, new: Contract) -> None:
    root = Spot()
    compare_facts(findings, root, old, new, _FACTS)
    before, after = old.description or _NOTHING_SAID, new.description or _NOTHING_SAID
    spot = Spot(
        "description", "the description", *(None if one.description is None else "description" for one in (old, new))
    )
    compare_facts(findings, spot, before, after, (fact("purpose"), fact("limitations"), fact("usage")))
    compare_rest(findings, spot, frozenset(("purpose", "limitations", "usage")))
    compare_attachments(
        findings,
        root,
        old.custom_properties,
        new.custom_properties,
        old.authoritative_definitions,
        new.authoritative_definitions,
    )


def _comparison(findings: Findings, old: Contract, new: Contract) -> Comparison:
    changes = tuple(findings.changes)
    level = max((change.level for change in changes), key=lambda one: one.rank, default=Level.NONE)
    open_level = max(
        (change.level for change in changes if change.waived is None), key=lambda one: one.rank, default=Level.NONE
    )
    plainly = covers(old.version, new.version, level)
    ok = plainly or covers(old.version, new.version, open_level)
    reasons = dict.fromkeys(change.waived for change in changes if change.waived is not None)
    return Comparison(
        old_id=old.id,
        new_id=new.id,
        old_version=old.version,
        new_version=new.version,
        changes=changes,
        level=level,
        required_version=required_version(old.version, level),
        version_ok=ok,
        waived="; ".join(reasons) or None if not plainly else None,
        old_file=old.file,
        new_file=new.file,
    )
