"""What the commands of `lakepact collibra` share: their options, the settings they read, and how rows are printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakepact.cli.arguments import regular_file
from lakepact.cli.output import printable, write

if TYPE_CHECKING:
    from lakepact.collibra.mapping import Mapping
    from lakepact.collibra.settings import CollibraSettings
    from lakepact.collibra.store import CollibraContractStore

__all__ = ["AsJson", "SettingsFile", "counted", "mapping_of", "settings_in", "show_rows", "store_of"]

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="The settings (default: LAKEPACT_COLLIBRA_FILE, else collibra.yml; variables go before).",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings_in(file: Path | None) -> CollibraSettings:
    """The settings of a file and the variables. Raises UsageError LP420 where there is no such file."""
    from lakepact.collibra.settings import read_settings

    return read_settings(file=None if file is None else regular_file(file, what="the settings"))


def store_of(settings: CollibraSettings) -> CollibraContractStore:
    """The store that settings describe."""
    from lakepact.collibra.store import collibra_store

    return collibra_store(settings)


def mapping_of(settings: CollibraSettings) -> Mapping:
    """The mapping that settings name; an empty one where they name none."""
    from lakepact.collibra.mapping import Mapping, read_mapping

    return read_mapping(settings.mapping) if settings.mapping is not None else Mapping()


def show_rows(rows: Sequence[Sequence[str]]) -> None:
    """Lines with columns of one width each; cells are on one line whatever they hold."""
    cells = [[printable(" ".join(cell.split())) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    write("".join(f"{line}\n" for line in lines))


def counted(number: int, what: str) -> str:
    """A number with its noun.

    >>> counted(1, "contract"), counted(2, "contract")
    ('1 contract', '2 contracts')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"
