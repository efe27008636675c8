"""Rows and batches that were set aside: what is known of them, what was decided, and their way back."""

from lakepact.quarantine.batches import quarantine_batch
from lakepact.quarantine.model import Act, Decision, FailedRule, Header, Kind, Record, Status, Wanted
from lakepact.quarantine.opening import open_place, open_quarantine
from lakepact.quarantine.protocol import QuarantinePlace
from lakepact.quarantine.records import Quarantine
from lakepact.quarantine.replay import Replayed, Target, replay
from lakepact.quarantine.retention import Purged, purge
from lakepact.quarantine.settings import QuarantineSettings, settings_of

__all__ = [
    "Act",
    "Decision",
    "FailedRule",
    "Header",
    "Kind",
    "Purged",
    "Quarantine",
    "QuarantinePlace",
    "QuarantineSettings",
    "Record",
    "Replayed",
    "Status",
    "Target",
    "Wanted",
    "open_place",
    "open_quarantine",
    "purge",
    "quarantine_batch",
    "replay",
    "settings_of",
]
