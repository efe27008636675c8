"""What a contract says of its quarantine: whether batches are kept, for how long, and where they go.

customProperties:
  - property: lakepact.quarantine
    value:
      enabled: true
      s3_bucket: "${QUARANTINE_BUCKET}"
      s3_prefix: "quarantine/${TENANT_ID}/${ASSET_NAME}/"
      retention_days: 30
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lakepact.contract.model import Contract
from lakepact.errors import ConfigurationError
from lakepact.project.variables import resolved, variable_names

__all__ = ["RETENTION_DAYS", "QuarantineSettings", "enabled_settings", "filled", "settings_of"]

RETENTION_DAYS: Final = 30
"""How long data is kept where nobody says."""

_PROPERTY: Final = "lakepact.quarantine"
_LONGEST: Final = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineSettings:
    """How long data is kept, and where batches go; `bucket` is a name in S3, a URL of fsspec, or a folder's path.

    `bucket` and `prefix` are templates: `${NAME}` stands for a variable. Where `enabled` is not set no batch is kept:
    it is not let through, and stays where it is.
    """

    enabled: bool = True
    bucket: str = ""
    prefix: str = ""
    retention_days: int = RETENTION_DAYS

    @property
    def retention(self) -> timedelta:
        """How long data is kept."""
        return timedelta(days=self.retention_days)

    def url(self, variables: Mapping[str, str] | None = None) -> str:
        """The URL that batches go below; variables are those that are given, else those of the environment.

        Raises ConfigurationError LP980 for a variable without a value or with one that leads elsewhere, and without a
        bucket.

        >>> settings = QuarantineSettings(bucket="acme-bad-data", prefix="quarantine/${TENANT_ID}/")
        >>> settings.url({"TENANT_ID": "north"})
        's3://acme-bad-data/quarantine/north'
        """
        if not self.bucket:
            hint = f"give s3_bucket in the custom property {_PROPERTY} of the contract"
            raise ConfigurationError("no bucket for batches is named", "LP980", hint)
        given = os.environ if variables is None else variables
        bucket, prefix = filled(self.bucket, given, path=True), filled(self.prefix, given).strip("/")
        if "/" not in bucket:
            bucket = f"s3://{bucket}"
        return f"{bucket.rstrip('/')}/{prefix}".rstrip("/")


def filled(template: str, variables: Mapping[str, str], *, path: bool = False) -> str:
    """The template with the values of its variables.

    With `path` a value may be a path or a URL; else it is one name of a folder. Raises ConfigurationError LP980.

    >>> filled("${ASSET_NAME}/", {"ASSET_NAME": "../payroll"})
    Traceback (most recent call last):
        ...
    lakepact.errors.ConfigurationError: LP980: ${ASSET_NAME} in '${ASSET_NAME}/' is '../payroll', which leads elsewhere
      hint: a value is the name of one folder
    """
    names = variable_names(template)
    unknown = [name for name in names if not variables.get(name)]
    if unknown:
        listed = ", ".join(f"${{{name}}}" for name in unknown)
        hint = "give the variable, in the environment for example"
        raise ConfigurationError(f"{listed} in {template!r} has no value", "LP980", hint, {"unknown": unknown})
    for name in names:
        value = variables[name]
        parts = value.replace("\\", "/").split("/")
        if ".." in parts or (not path and (len(parts) > 1 or value == ".")):
            message = f"${{{name}}} in {template!r} is {value!r}, which leads elsewhere"
            raise ConfigurationError(message, "LP980", "a value is the name of one folder")
    return resolved(template, variables)


def settings_of(contract: Contract) -> QuarantineSettings:
    """What the contract says. Raises ConfigurationError LP980 where that cannot be used."""
    said = next((each.value for each in contract.custom_properties if each.property == _PROPERTY), None)
    if said is None:
        return QuarantineSettings()
    where = f"{_PROPERTY} of '{contract.id}' {contract.version}"
    if not isinstance(said, Mapping):
        raise ConfigurationError(f"{where} is no mapping", "LP980", "write s3_bucket, s3_prefix and retention_days")
    days = said.get("retention_days", RETENTION_DAYS)
    if isinstance(days, bool) or not isinstance(days, int) or not 0 < days <= _LONGEST:
        raise ConfigurationError(f"{where}: retention_days is {days!r}", "LP980", "write a number of days, such as 30")
    enabled = said.get("enabled", True)
    if not isinstance(enabled, bool):
        raise ConfigurationError(f"{where}: enabled is {enabled!r}", "LP980", "write true or false")
    bucket, prefix = (said.get(f"s3_{name}", said.get(name, "")) for name in ("bucket", "prefix"))
    if not isinstance(bucket, str) or not isinstance(prefix, str):
        raise ConfigurationError(f"{where}: bucket and prefix are no texts", "LP980", "put them in quotes")
    return QuarantineSettings(enabled=enabled, bucket=bucket, prefix=prefix, retention_days=days)


def enabled_settings(contract: Contract) -> QuarantineSettings:
    """What the contract says. Raises as `settings_of`, and ConfigurationError LP980 where its quarantine is off."""
    found = settings_of(contract)
    if not found.enabled:
        hint = f"leave the data where it is; or write `enabled: true` in {_PROPERTY} of the contract"
        message = f"the contract '{contract.id}' {contract.version} turns its quarantine off: nothing is set aside"
        raise ConfigurationError(message, "LP980", hint)
    return found
