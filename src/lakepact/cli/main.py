"""The command `lakepact`: every command under one name, and what the process says when one of them fails."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any, Final

import typer

from lakepact import __version__
from lakepact.cli.bump import bump
from lakepact.cli.bundle import bundle
from lakepact.cli.check import check
from lakepact.cli.collibra import collibra
from lakepact.cli.convert import convert
from lakepact.cli.diff import diff
from lakepact.cli.doctor import doctor
from lakepact.cli.draft import draft
from lakepact.cli.explain import explain
from lakepact.cli.export import export
from lakepact.cli.gate import gate
from lakepact.cli.generate import generate
from lakepact.cli.history import history
from lakepact.cli.init import init
from lakepact.cli.lint import lint
from lakepact.cli.metrics import metrics
from lakepact.cli.new import new
from lakepact.cli.notify import notify
from lakepact.cli.output import ReaderGone, say
from lakepact.cli.prepare import prepare
from lakepact.cli.project_schema import project_schema
from lakepact.cli.quarantine import quarantine
from lakepact.cli.rerun import rerun
from lakepact.cli.results import results
from lakepact.cli.run import joined_full_refresh, run
from lakepact.cli.schema import schema
from lakepact.cli.sla import sla
from lakepact.cli.store import store
from lakepact.cli.testing import testing
from lakepact.cli.upgrade import upgrade
from lakepact.cli.webhook import webhook
from lakepact.errors import ExitCode, LakepactError

__all__ = ["app", "main"]

_DEBUG: Final = "LAKEPACT_DEBUG"
# As a shell reports a process that SIGINT or SIGPIPE ended.
_INTERRUPTED: Final = 130
_CLOSED_PIPE: Final = 141
_SIGNALLED: Final = 128
_ENDING: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_PY4J_WORDS: Final = ("KeyboardInterrupt while sending command", "Exception while sending command")

# typer carries its own click or uses the installed one, by version; the base of its usage errors is the same class.
_CLICK_ERROR: Final = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")

app = typer.Typer(
    name="lakepact",
    help="ODCS data contracts become running Lakeflow pipelines.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lakepact {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """ODCS data contracts become running Lakeflow pipelines."""


app.command()(init)
app.command()(explain)
app.command()(lint)
app.command()(generate)
app.command()(export)
app.command()(run)
app.command()(check)
app.command()(rerun)
app.command()(doctor)
app.command()(prepare)
app.command()(diff)
app.command()(bump)
app.command()(upgrade)
app.command()(convert)
app.command()(new)
app.command()(schema)
app.command()(gate)
app.command()(history)
app.command("project-schema")(project_schema)
app.add_typer(store)
app.add_typer(collibra)
app.add_typer(testing)
app.add_typer(draft)
app.add_typer(notify)
app.add_typer(results)
app.add_typer(sla)
app.add_typer(metrics)
app.add_typer(quarantine)
app.add_typer(webhook)
app.add_typer(bundle)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code of the process; nothing but SystemExit of others leaves it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _print_any_text()
    with _ended_by_signals() as signals:
        try:
            code = app(joined_full_refresh(given), standalone_mode=False)
            sys.stdout.flush()
        except BaseException as error:
            code = _report(error, signals)
        else:
            if code == _INTERRUPTED:
                code = _report(KeyboardInterrupt(), signals)  # typer has made an exit code of it
    return code if isinstance(code, int) else ExitCode.OK


@contextmanager
def _ended_by_signals() -> Iterator[list[int]]:
    """While this is open, signals that ask the process to end do it as Ctrl-C does: first things are put right.

    Gives those that arrived. A signal that the caller has set to be ignored, as nohup does, stays so.
    """
    arrived: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)
        raise KeyboardInterrupt

    in_main_thread = threading.current_thread() is threading.main_thread()
    asked = [each for each in _ENDING if in_main_thread and signal.getsignal(each) is signal.SIG_DFL]
    # py4j logs a call that a signal interrupts with its stack, through the root logger.
    root = logging.getLogger()
    root.addFilter(_is_told)
    for number in asked:
        signal.signal(number, interrupt)
    try:
        yield arrived
    finally:
        for number in asked:
            signal.signal(number, signal.SIG_DFL)
        root.removeFilter(_is_told)


def _is_told(record: logging.LogRecord) -> bool:
    return bool(os.environ.get(_DEBUG)) or not str(record.msg).startswith(_PY4J_WORDS)


def _report(error: BaseException, signals: Sequence[int] = ()) -> int:
    """The one message and the exit code of whatever ended a command."""
    if os.environ.get(_DEBUG):
        traceback.print_exception(error)
    match error:
        case SystemExit():
            raise error
        case KeyboardInterrupt() | typer.Abort():
            say("terminated" if signals else "interrupted")
            return _SIGNALLED + signals[0] if signals else _INTERRUPTED
        case ReaderGone() | BrokenPipeError():
            return _close_stdout()
        case LakepactError():
            say(f"error {error}")
            return error.exit_code
        case OSError():
            where = f" ('{error.filename}')" if error.filename else ""
            say(f"error LP428: the system says: {error.strerror or error}{where}")
            return ExitCode.CONFIGURATION
    if isinstance(error, _CLICK_ERROR):
        usage: Any = error
        usage.show()
        return ExitCode.USAGE
    text = _words(error) or "no message"
    say(f"error LP900: unexpected {type(error).__name__}: {text}\n  hint: set {_DEBUG}=1 to see where it comes from")
    return ExitCode.CONFIGURATION


def _words(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())
    except Exception:  # errors of Spark ask Java for their text, which has ended with its session
        return ""


def _close_stdout() -> int:
    """The reader of a pipe went away: nothing more can be said there, and the interpreter must not try at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _CLOSED_PIPE


def _print_any_text() -> None:
    """Streams of an ASCII or Latin locale print what they lack as escapes, where they would raise."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
