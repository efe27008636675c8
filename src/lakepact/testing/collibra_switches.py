"""What differs between tenants of Collibra, or between the sources that describe it: the switches of the double."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Switches"]


@dataclass
class Switches:
    """How the double answers where the real thing is not known to answer in one way; change them at any time.

    - `active_version_verb`: which method sets the active version, `PUT`, `PATCH`, `BOTH` or `NONE`; others get a 405.
    - `duplicate_status`: how a version, a manifest id or a governed port that exists already is refused, 409 or 400.
    - `push_creates`: whether a manifest pushed under an unknown id makes a contract without a port, or is a 404.
    - `lean_list`: whether the list of contracts has only `id`, `domainId` and `manifestId` of each.
    - `status_moves_contract`: whether a change of the status of the asset moves the contract up in the list.
    - `unique_names`: whether two assets of one domain may not have the same name.
    - `values_as_text`: whether numbers and booleans of attributes come back as text.
    - `manifest_content_type`: the media type of a downloaded manifest; a request that does not accept it gets a 406.
    - `import_seconds`: how long an import job runs before its effects are there.
    - `job_unknown_seconds`: for how long a job that was just started is a 404.
    - `import_errors_named`: whether the errors of an import say which asset they are about.
    """

    active_version_verb: Literal["PUT", "PATCH", "BOTH", "NONE"] = "PUT"
    duplicate_status: Literal[400, 409] = 409
    push_creates: bool = False
    lean_list: bool = False
    status_moves_contract: bool = False
    unique_names: bool = True
    values_as_text: bool = False
    manifest_content_type: str = "text/plain;charset=UTF-8"
    import_seconds: float = 0.0
    job_unknown_seconds: float = 0.0
    import_errors_named: bool = True
