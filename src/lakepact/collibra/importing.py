"""Imports: many assets made or updated in one job, which is followed to its end."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from lakepact.collibra.client import CollibraClient, Upload
from lakepact.collibra.failures import away, is_missing, not_understood
from lakepact.collibra.model import ImportedAsset, ImportProblem
from lakepact.errors import RemoteFailed

__all__ = ["run_import"]

_LOG: Final = logging.getLogger(__name__)
_CORE: Final = "rest/2.0"
_ENDED: Final = ("COMPLETED", "CANCELED", "ERROR")
_WELL: Final = ("SUCCESS", "COMPLETED_WITH_ERROR", "NOT_SET", "")
# A job that was just started may be unknown to the other servers of a tenant.
_UNKNOWN_SECONDS: Final = 10.0
_FIRST: Final = 0.25
_LONGEST: Final = 5.0


def run_import(
    client: CollibraClient,
    assets: Sequence[ImportedAsset],
    *,
    pause: Callable[[float], None],
    patience: float,
) -> tuple[ImportProblem, ...]:
    """Start the job, wait for its end, and return what it could not do.

    Doing it twice is doing it once. Raises RemoteUnavailable LP902 where the job has not ended after `patience` seconds
    (it may still), RemoteFailed LP906 where it failed and says nothing about assets.
    """
    content = json.dumps([_entry(each) for each in assets]).encode()
    upload = Upload(field="file", name="lakepact.json", content=content, kind="application/json")
    # Left to itself, an import with one bad entry imports nothing.
    form = {"fileName": "lakepact.json", "continueOnError": "true", "sendNotification": "false"}
    answer = client.send("POST", f"{_CORE}/import/json-job", form=form, upload=upload, repeatable=True)
    job = _job(answer.json())
    ended = _ended(client, job, pause, patience)
    state, result = str(ended.get("state") or ""), str(ended.get("result") or "")
    _LOG.info("the import job %s of %d assets ended: %s %s", job, len(assets), state, result)
    if state == "COMPLETED" and result == "SUCCESS":
        return ()
    problems = tuple(_problems(client, job, assets))
    if state == "COMPLETED" and result in _WELL:
        return problems
    why = f"the import job {job} ended as {state} {result}: {ended.get('message') or 'it does not say why'}"
    if not problems:
        raise RemoteFailed(f"{client.address} refuses the request: {why}", "LP906", "see the job in Collibra")
    return (*problems, ImportProblem(name="", why=why))


def _entry(asset: ImportedAsset) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resourceType": "Asset",
        "identifier": {"name": asset.name, "domain": {"id": asset.domain_id}},
        "type": {"name": asset.type},
        "attributes": {name: [{"value": value}] for name, value in asset.attributes.items()},
        "relations": {f"{kind}:SOURCE": [{"id": each} for each in ids] for kind, ids in asset.sources.items()},
    }
    return entry | ({"displayName": asset.display_name} if asset.display_name else {})


def _job(data: Any) -> str:
    found = data.get("id") if isinstance(data, Mapping) else None
    if not isinstance(found, str) or not found.replace("-", "").isalnum():
        raise not_understood("an import without a job")
    return found


def _ended(client: CollibraClient, job: str, pause: Callable[[float], None], patience: float) -> Mapping[str, Any]:
    waited, wait = 0.0, _FIRST
    while True:
        try:
            found = client.get(f"{_CORE}/jobs/{job}")
        except RemoteFailed as error:
            if not is_missing(error) or waited >= _UNKNOWN_SECONDS:
                raise
            found = {}
        if not isinstance(found, Mapping):
            raise not_understood("a job that is none")
        if found.get("state") in _ENDED:
            return found
        if waited >= patience:
            raise away(client.address, f"the import job {job} has not ended after {waited:.0f} s", written=True)
        pause(wait)
        waited, wait = waited + wait, min(_LONGEST, wait * 2)


def _problems(client: CollibraClient, job: str, assets: Sequence[ImportedAsset]) -> Iterator[ImportProblem]:
    names = sorted((each.name for each in assets), key=len, reverse=True)
    for error in client.core_results_by_offset(f"{_CORE}/import/results/{job}/errors"):
        command = error.get("command")
        said = str(command.get("identifier") or "") if isinstance(command, Mapping) else ""
        why = str(error.get("errorMessage") or "it does not say why")
        # A name can be the beginning of another; the longest that is in there is meant.
        yield ImportProblem(name=next((each for each in names if each in said or each in why), ""), why=why)
