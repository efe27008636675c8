"""What a run is doing, drawn on stderr while it runs; nothing at all where stderr is not a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from lakepact.cli.output import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lakepact.local.progress import Progress

__all__ = ["TerminalProgress", "run_progress"]

_TONES: Final = {"RUNNING": "cyan", "COMPLETED": "green", "FAILED": "red", "SKIPPED": "yellow"}
_MOST_ROWS: Final = 20


def run_progress() -> Progress:
    """Progress on the terminal, or a silent one where stderr is a pipe or a file."""
    from lakepact.local.progress import Silent

    return TerminalProgress() if sys.stderr.isatty() else Silent()


class TerminalProgress:
    """A spinner with the phase, and the latest state of each dataset under it; gone when the run is over."""

    def __init__(self) -> None:
        """Start drawing."""
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        self._phase = "starting"
        self._datasets: dict[str, tuple[str, float]] = {}
        self._started = time.monotonic()
        self._spinner = Spinner("dots")
        self._live = Live(
            get_renderable=self._picture,
            console=Console(stderr=True),
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def phase(self, text: str) -> None:
        """Show a new phase."""
        self._phase = text

    def dataset(self, name: str, state: str, seconds: float) -> None:
        """Show the new state of a dataset."""
        self._datasets.pop(name, None)
        self._datasets[name] = (state, seconds)

    def close(self) -> None:
        """Remove the drawing; the report says the rest."""
        self._live.stop()

    def _picture(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        elapsed = time.monotonic() - self._started
        self._spinner.update(text=Text.assemble(printable(self._phase), (f"  {elapsed:.0f} s", "dim")))
        # A copy: the run reports from its own threads while this one draws.
        latest = list(self._datasets.items())[-_MOST_ROWS:]
        lines = [
            Text.assemble(
                "  ", (f"{state.lower():<10}", _TONES.get(state, "")), printable(name), (f"  {at:.1f} s", "dim")
            )
            for name, (state, at) in latest
        ]
        return Group(self._spinner, *lines)
