"""The poller of Collibra: looks again and again what is validated there, and tells of everything that changed.

A webhook may be lost, late or forged; this finds what it missed. Each look compares every contract with what was told
of it last, so that nothing depends on the order of lists or on clocks. What was told is written down after it was told:
a watcher that is killed in between tells it again under the same id, and who keeps events keeps it once.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from lakepact.atomic_files import replace_file
from lakepact.collibra.gateway import CONTRACT_TYPE, CollibraGateway
from lakepact.collibra.model import Asset, ContractAsset
from lakepact.collibra.reconcile import milliseconds
from lakepact.collibra.statuses import StatusNames
from lakepact.errors import ConfigurationError
from lakepact.rerun.inbox import Arrival, Origin
from lakepact.rerun.payload import EventType
from lakepact.store.encoding import read_time, time_text
from lakepact.store.model import Status

__all__ = ["CollibraWatch", "Seen", "WatchState"]

_LOG: Final = logging.getLogger(__name__)
_FORMAT: Final = 1
_LOOKBACK: Final = timedelta(minutes=10)
_SWEEP: Final = timedelta(days=1)
_DEFAULT_NAMES: Final = StatusNames()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A contract as it was told of last: whether it was validated, which version was active, and since when (ms).

    `asset_on` and `version_on` are when its asset and the bytes of that version had changed last; 0 is not known.
    """

    asset: str
    status: str
    validated: bool
    version: str
    asset_on: int
    version_on: int = 0


class WatchState:
    """What was told of, in a file that is replaced as a whole and is on the disk before a look ends.

    Raises ConfigurationError LP941 for a file that is no such state: to begin anew would tell of everything again.
    """

    def __init__(self, file: Path, *, address: str) -> None:
        self._file = file
        self._address = address
        self._told_of = address
        self.contracts: dict[str, Seen] = {}
        self.watermark: datetime | None = None
        self.swept_at: datetime | None = None
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return
        try:
            self._read(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ConfigurationError) as error:
            hint = "remove the file to begin anew, which tells of all validated contracts once more"
            raise ConfigurationError(f"{file} is no state of a watch: {error}", "LP941", hint) from None
        if self._told_of != address:
            hint = "name another file with --state; each Collibra has its own"
            raise ConfigurationError(f"{file} is the state of a watch of {self._told_of}", "LP941", hint)

    def save(self) -> None:
        """Write everything down. Raises OSError where that cannot be."""
        data = {
            "format": _FORMAT,
            "address": self._address,
            "watermark": None if self.watermark is None else time_text(self.watermark),
            "swept_at": None if self.swept_at is None else time_text(self.swept_at),
            "contracts": {key: asdict(seen) for key, seen in sorted(self.contracts.items())},
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._file, json.dumps(data).encode(), durable=True)

    def _read(self, data: Mapping[str, Any]) -> None:
        if data["format"] != _FORMAT:
            raise ValueError(f"its format is {data['format']}, not {_FORMAT}")
        self._told_of = data["address"]
        self.watermark = None if data["watermark"] is None else read_time(data["watermark"])
        self.swept_at = None if data["swept_at"] is None else read_time(data["swept_at"])
        self.contracts = {str(key): Seen(**seen) for key, seen in data["contracts"].items()}


class CollibraWatch:
    """Looks at all contracts of a Collibra, and gives `tell` an event for each that is validated or no longer is.

    `tell` says whether it took the event; one that it did not take, or whose taking was cut off, comes again with the
    next look. A look takes a request for 500 contracts and one for 1000 assets. That the bytes of a version changed
    takes one for its contract: it is made where the asset changed less than `lookback` before the last change seen, or
    since, and for all that are validated once in `sweep`, the first time included. `clock` is for tests.
    """

    def __init__(
        self,
        gateway: CollibraGateway,
        state: WatchState,
        tell: Callable[[Arrival], bool],
        *,
        names: StatusNames = _DEFAULT_NAMES,
        lookback: timedelta = _LOOKBACK,
        sweep: timedelta = _SWEEP,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gateway = gateway
        self._state = state
        self._tell = tell
        self._names = names
        self._lookback = lookback
        self._sweep = sweep
        self._clock = clock

    def look(self, *, thorough: bool = False) -> tuple[Arrival, ...]:
        """Look once, and tell of what changed; the events that were taken. `thorough` sweeps whatever the time.

        Raises RemoteFailed where Collibra, or the place of the events, is away: what was taken until then is kept.
        """
        began, swept = self._clock(), self._state.swept_at
        sweeping = thorough or swept is None or not timedelta(0) <= began - swept < self._sweep
        assets = {each.id: each for each in self._gateway.assets(CONTRACT_TYPE)}
        contracts = self._contracts()
        told: list[Arrival] = []
        for contract_id, contract in contracts.items():
            if contract is not None and contract.id in assets:
                told += self._told(contract_id, self._seen(contract, assets[contract.id], sweeping=sweeping))
            elif contract is not None:
                _LOG.warning("the asset of '%s' is not shown: may the user see it?", contract_id)
        for contract_id in sorted(self._state.contracts.keys() - contracts.keys()):
            told += self._told(contract_id, None)
        newest = [each.changed_on for each in assets.values()]
        self._state.watermark = max([*newest, *filter(None, (self._state.watermark,))], default=None)
        self._state.swept_at = began if sweeping else swept
        self._state.save()
        return tuple(told)

    def _contracts(self) -> dict[str, ContractAsset | None]:
        """The contracts by their id; None for one that two of them have."""
        found: dict[str, ContractAsset | None] = {}
        for each in sorted(self._gateway.contracts(), key=lambda contract: contract.manifest_id):
            if each.manifest_id in found:
                _LOG.warning("Collibra has two contracts with the id '%s': nothing is told of them", each.manifest_id)
            found[each.manifest_id] = None if each.manifest_id in found else each
        return found

    def _seen(self, contract: ContractAsset, asset: Asset, *, sweeping: bool) -> Seen:
        validated = self._names.meaning(asset.status) is Status.VALIDATED
        watermark, version, version_on = self._state.watermark, contract.active_version, 0
        recent = watermark is None or asset.changed_on >= watermark - self._lookback
        if not version or (validated and (sweeping or recent)):
            active = next((each for each in self._gateway.versions(contract.id) if each.active), None)
            version = "" if active is None else active.version
            version_on = 0 if active is None else milliseconds(active.changed_on)
        before = self._state.contracts.get(contract.manifest_id)
        if not version_on and before is not None and before.version == version:
            version_on = before.version_on
        return Seen(
            asset=contract.id,
            status=asset.status,
            validated=validated,
            version=version,
            asset_on=milliseconds(asset.changed_on),
            version_on=version_on,
        )

    def _told(self, contract_id: str, now: Seen | None) -> tuple[Arrival, ...]:
        """Tell of a contract where that is news, and write it down; `now` is None for one that is gone."""
        before = self._state.contracts.get(contract_id)
        arrival = _news(contract_id, before, now)
        if arrival is not None and not self._tell(arrival):
            return ()
        if now is None:
            del self._state.contracts[contract_id]
        else:
            self._state.contracts[contract_id] = now
        if arrival is None:
            return ()
        # At once: whatever happens to the rest of this look, this is not told again.
        self._state.save()
        return (arrival,)


def _news(contract_id: str, before: Seen | None, now: Seen | None) -> Arrival | None:
    """The event, where somebody has to look: something else is validated than before, or nothing is any more.

    Its id follows from what was told before and what is now, and not from how often it was looked at: the same change
    is the same event.
    """
    if before is None or not before.validated:
        if now is None or not now.validated:
            return None
        edited = before is None
    elif now is not None and now.validated:
        edited = before.version_on not in (0, now.version_on) and before.version == now.version
        if not edited and (before.asset, before.version) == (now.asset, now.version):
            return None
    else:
        edited = False
    shown = now or replace(_known(before), status="", validated=False)
    said: list[object] = [contract_id, None if before is None else asdict(before), shown.asset, shown.status]
    said += [shown.validated, shown.version, *([shown.version_on, shown.asset_on] if edited else [])]
    same_status = before is not None and before.status == shown.status
    return Arrival(
        delivery_id=f"watch-{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:40]}",
        type=(EventType.VERSION_CHANGED if same_status else EventType.STATUS_CHANGED).value,
        contract_id=contract_id,
        asset_id=shown.asset,
        version=shown.version,
        status=shown.status,
        occurred_at=datetime.fromtimestamp(max(shown.asset_on, shown.version_on) / 1000, UTC),
        origin=Origin.POLLER,
    )


def _known(seen: Seen | None) -> Seen:
    assert seen is not None
    return seen
