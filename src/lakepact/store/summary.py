"""What search looks at, taken from a contract."""

from __future__ import annotations

from lakepact.contract import Contract
from lakepact.store.model import StoredVersion, Summary

__all__ = ["matches", "summary_of"]


def summary_of(contract: Contract) -> Summary:
    """The names, tags and people by which a contract can be found.

    >>> from lakepact.contract import load_contract
    >>> text = b"apiVersion: v3.2.0\\nkind: DataContract\\nid: a\\nversion: 1.0.0\\nschema: [{name: orders}]\\n"
    >>> summary_of(load_contract(text)).objects
    ('orders',)
    """
    members = contract.team.members if contract.team else ()
    names = [contract.team.name if contract.team else None]
    names += [text for member in members for text in (member.name, member.username)]
    return Summary(
        name=contract.name,
        domain=contract.domain,
        data_product=contract.data_product,
        purpose=contract.description.purpose if contract.description else None,
        tags=tuple(dict.fromkeys(contract.tags)),
        objects=tuple(each.name for each in contract.schema),
        owners=tuple(dict.fromkeys(name for name in names if name)),
    )


def matches(version: StoredVersion, text: str, *, domain: str | None, tag: str | None) -> bool:
    """Whether id, name, purpose, objects, tags and owners contain every word; domain and tag where asked for."""
    summary = version.summary
    if domain is not None and (summary.domain or "").casefold() != domain.casefold():
        return False
    if tag is not None and tag.casefold() not in (each.casefold() for each in summary.tags):
        return False
    said = (version.contract_id, summary.name, summary.purpose, *summary.objects, *summary.tags, *summary.owners)
    haystack = "\n".join(each for each in said if each).casefold()
    return all(word in haystack for word in text.casefold().split())
