"""Secrets by reference: settings say where a secret is; it is read when a message is sent, so that it may change."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from lakepact.errors import ConfigurationError

__all__ = ["REFERENCE", "TOKEN_SHAPES", "Secret", "SecretScopes", "secret_of"]

Secret = Callable[[], str]
"""Gives the secret as it is now; raises ConfigurationError LP955 where there is none."""

SecretScopes = Callable[[str, str], str]
"""Gives the secret of a scope and a key, such as `dbutils.secrets.get`."""

REFERENCE: Final = re.compile(r"\$\{(?:env:[A-Za-z_][A-Za-z0-9_]*|file:[^${}\n]+|secret:[^/${}\s]+/[^/${}\s]+)\}")
"""How a reference is written: `${env:NAME}`, `${file:PATH}` or `${secret:SCOPE/KEY}`."""

TOKEN_SHAPES: Final = re.compile(
    r"xox[a-z]-|xapp-|whsec_|hooks\.slack(?:-gov)?\.com/|/workflows/[0-9a-f]{32}/triggers/"
    r"|[?&]sig=|-----BEGIN [A-Z ]*KEY"
)
"""What tokens and secret addresses of the services look like, wherever they are."""


def secret_of(
    reference: str,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    scopes: SecretScopes | None = None,
) -> Secret:
    """What reads the secret that the reference names; a path is below `folder` unless it is absolute.

    Raises ConfigurationError LP953 for what is no reference, and does not repeat it: it could be the secret.

    >>> secret_of("${env:TOKEN}", environment={"TOKEN": "1234"})()
    '1234'
    """
    if not REFERENCE.fullmatch(reference):
        hint = "write ${env:NAME}, ${file:PATH} or ${secret:SCOPE/KEY}"
        raise ConfigurationError("a secret is written where only a reference to one may stand", "LP953", hint)
    kind, _, rest = reference[2:-1].partition(":")

    def read() -> str:
        if kind == "env":
            text = (os.environ if environment is None else environment).get(rest, "")
        elif kind == "file":
            text = _file_text((folder or Path()) / rest)
        else:
            text = _scope_text(rest, scopes)
        return _checked(text.strip(), reference)

    return read


def _file_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the secret in '{path}' cannot be read: {type(error).__name__}"
        raise ConfigurationError(message, "LP955", "check the path and its permissions") from None


def _scope_text(rest: str, scopes: SecretScopes | None) -> str:
    if scopes is None:
        message = f"nothing here can read the secret ${{secret:{rest}}}"
        raise ConfigurationError(message, "LP955", "give `secrets=dbutils.secrets.get`, or use ${env:NAME}")
    scope, _, key = rest.partition("/")
    return scopes(scope, key)


def _checked(text: str, reference: str) -> str:
    if not text:
        raise ConfigurationError(f"there is no secret in {reference}", "LP955", "set it")
    if not (text.isascii() and text.isprintable()):
        raise ConfigurationError(f"the secret in {reference} has characters that none has", "LP955", "check it")
    return text
