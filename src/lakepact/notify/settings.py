"""Settings of notifications from a file, and a notifier that is made of them.

A file is one of three: a notify.yml; a project file, whose `notifications` are these settings or the path of their
file; or a file of settings in the form of `quality_violations`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any, Final

from lakepact.contract.checked_document import CheckedDocument, Path, parsed
from lakepact.errors import ConfigurationError
from lakepact.notify.building import built_settings
from lakepact.notify.notifier import Notifier
from lakepact.notify.places import FolderPlace
from lakepact.notify.quality_violations import QUALITY_VIOLATIONS, quality_violations_schema, violation_settings
from lakepact.notify.reading import read_part
from lakepact.notify.schema import settings_schema
from lakepact.notify.secret_references import SecretScopes
from lakepact.notify.settings_model import NotifySettings, Origin

__all__ = [
    "SECTION",
    "SETTINGS_FILE",
    "NotifySettings",
    "notifier_of",
    "open_notifier",
    "read_settings",
    "settings_at",
    "settings_of_file",
]

_LOG: Final = logging.getLogger(__name__)

SETTINGS_FILE: Final = "notify.yml"
"""The name of the file."""

SECTION: Final = "notifications"
"""The key of a project file under which the settings are, or the path of their file."""


def open_notifier(
    file: FilePath,
    *,
    secrets: SecretScopes | None = None,
    environment: Mapping[str, str] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Notifier:
    """The notifier that the file describes. `secrets` reads `${secret:SCOPE/KEY}`, such as `dbutils.secrets.get`.

    Raises ConfigurationError LP950 for a file that cannot be read, and with all its problems where it has some.
    """
    return notifier_of(
        read_settings(_bytes(file), str(file), secrets=secrets, environment=environment, clock=clock), clock=clock
    )


def notifier_of(settings: NotifySettings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Notifier:
    """The notifier that works as the settings say; their notes go to the log."""
    for note in settings.notes:
        _LOG.warning("%s", note)
    return Notifier(
        settings.routes,
        settings.channels,
        FolderPlace(settings.outbox),
        clock,
        policies=settings.policies,
        retry=settings.retry,
        mask=settings.mask,
        link=settings.link,
        wording=settings.wording,
    )


def read_settings(
    source: bytes,
    file: str = SETTINGS_FILE,
    *,
    secrets: SecretScopes | None = None,
    environment: Mapping[str, str] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> NotifySettings:
    """The settings in the bytes of a file. Raises ConfigurationError LP950 with all their problems and places."""
    folder = FilePath(file).parent
    origin = Origin(folder=folder, secrets=secrets, environment=environment, clock=clock)
    document, is_yaml = parsed(source, file, code="LP950", most="settings have")
    _refuse_without_section(document)
    at = _section(document.yaml.data)
    named = document.yaml.data[SECTION] if at else None
    if isinstance(named, str):
        if (folder / named).is_file():
            there = replace(origin, folder=(folder / named).parent)
            return settings_of_file(folder / named, str(folder / named), there)
        document.report("LP950", f"there is no file '{folder / named}'", at)
    return _settings(document, at, origin, readable=is_yaml and not isinstance(named, str))


def settings_of_file(file: FilePath, shown: str, origin: Origin) -> NotifySettings:
    """The settings in a file that a project file names; messages call it `shown`. Raises as `read_settings` does."""
    document, is_yaml = parsed(_bytes(file), shown, code="LP950", most="settings have")
    at = _section(document.yaml.data)
    names_another = bool(at) and isinstance(document.yaml.data[SECTION], str)
    if names_another:
        document.report("LP950", "a file of settings names another one", at, hint="name that one")
    return _settings(document, at, origin, readable=is_yaml and not names_another)


def _settings(document: CheckedDocument, at: Path, origin: Origin, *, readable: bool) -> NotifySettings:
    settings = settings_at(document, at, origin) if readable else None
    if settings is None or document.problems:
        count = len(document.problems)
        message = f"{count} error{'s' if count > 1 else ''} in '{document.file}'"
        problems = sorted(document.problems, key=lambda each: (each.line, each.column))
        raise ConfigurationError(message, "LP950", problems=problems)
    return settings


def settings_at(document: CheckedDocument, at: Path, origin: Origin) -> NotifySettings | None:
    """The settings that stand at the path of the document: as in notify.yml, or in the form of `quality_violations`.

    Problems go to the document; None where what is there cannot be used.
    """
    value: Any = document.yaml.data
    for part in at:
        value = value[part]
    before = len(document.problems)
    if isinstance(value, dict) and QUALITY_VIOLATIONS in value:
        data = read_part(document, value, quality_violations_schema(), at)
        build = violation_settings
    else:
        data = read_part(document, value, settings_schema(), at)
        build = built_settings
    # What the schema refused is reported already, and would only bring more of the same.
    settings = build(document, data, at, origin) if len(document.problems) == before else None
    return settings if len(document.problems) == before else None


def _refuse_without_section(document: CheckedDocument) -> None:
    """Raise ConfigurationError LP950 for a project file that says nothing of notifications."""
    data = document.yaml.data
    if isinstance(data, dict) and {"version", "environments", "pipelines"} <= data.keys() and SECTION not in data:
        hint = f"add the key `{SECTION}` to it, or name a file of settings"
        raise ConfigurationError(f"'{document.file}' says nothing of notifications", "LP950", hint)


def _section(data: object) -> Path:
    """The path of the settings: of the whole file, or of the section of a project file."""
    own = {"channels", "routes"}
    return (SECTION,) if isinstance(data, dict) and SECTION in data and not own & data.keys() else ()


def _bytes(file: FilePath) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        message = f"'{file}' cannot be read: {error.strerror or error}"
        raise ConfigurationError(message, "LP950", "check the path and its permissions") from None
