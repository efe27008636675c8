"""`lakepact schema`: the JSON Schema of a contract, for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lakepact.cli.output import say, show_json
from lakepact.errors import UsageError

__all__ = ["schema"]


def schema(
    version: Annotated[
        str, typer.Option("--version", metavar="VERSION", help="Version of the standard that contracts declare.")
    ] = "v3.1.0",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file, not to stdout.")
    ] = None,
) -> None:
    """Print the JSON Schema of a contract, with which editors check and complete it."""
    from lakepact.cli.files import write_atomically
    from lakepact.contract.json_schema import contract_json_schema
    from lakepact.contract.model import ApiVersion

    try:
        wanted = ApiVersion(version)
    except ValueError:
        hint = f"accepted: {', '.join(ApiVersion)}"
        raise UsageError(f"'{version}' is no version of the standard", "LP843", hint) from None
    found = contract_json_schema(wanted)
    if output is None:
        show_json(found)
        return
    if output.is_dir():
        raise UsageError(f"'{output}' is a folder", "LP840", "name the file to write")
    write_atomically(output, json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    say(f"'{output}' written. The first line of a contract names it: # yaml-language-server: $schema={output}")
