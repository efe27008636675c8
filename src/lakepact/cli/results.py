"""`lakepact results …`: how results of rules move from day to day, the table that keeps it, and what goes."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.output import printable, say, show_json, write
from lakepact.errors import UsageError

if TYPE_CHECKING:
    from lakepact.results.retention import Pruned
    from lakepact.results.trend import Point, Trend

__all__ = ["AtTime", "ResultsAddress", "moment_or_now", "named_results", "prune", "results", "rollup", "trend"]

ResultsAddress = Annotated[
    str,
    typer.Option(
        "--results",
        metavar="PLACE",
        envvar="LAKEPACT_RESULTS",
        help="Delta table rule_results, or the folder of its schema: a path or an address. In a catalog: spark:SCHEMA "
        "in the running session, uc:CATALOG.SCHEMA?warehouse=ID.",
        show_default=False,
    ),
]
AtTime = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="As it stood then: an ISO time (default: now).")
]
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_ASCII: Final = "_.-=+*%#"
_SHOWN_DAYS: Final = 30
_YEARS: Final = (1970, 2199)

results = typer.Typer(
    name="results",
    help="Results of rules over time.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@results.command()
def trend(
    place: ResultsAddress = "",
    contract: Annotated[str | None, typer.Option(metavar="ID", help="Only of this contract.")] = None,
    dataset: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this dataset.")] = None,
    rules: Annotated[
        list[str] | None, typer.Option("--rule", metavar="ID", help="Only this rule; may be given several times.")
    ] = None,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=3660, help="How many days back.")] = 60,
    hints: Annotated[bool, typer.Option("--hints", help="Only what stands out.")] = False,
    at: AtTime = None,
    as_ascii: Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show violation rates, measured values and row counts by UTC day, and hint at last days that stand out.

    A hint is no verdict; it says the numbers that it comes from (robust z-score with the season of the week).
    """
    from lakepact.results.reading import ResultFilter
    from lakepact.results.rollups import daily_rollups
    from lakepact.results.trend import trends

    now = moment_or_now(at)
    today = now.astimezone(dt.UTC).date()
    since = dt.datetime.combine(today - dt.timedelta(days=days), dt.time(), dt.UTC)
    chosen = ResultFilter(contract=contract, dataset=dataset, since=since)
    rollups = daily_rollups(named_results(place), chosen)
    found = [each for each in trends(rollups, today=today) if not rules or each.rule_id in rules]
    shown = [each for each in found if each.hint is not None or not hints]
    if as_json:
        show_json(_document(shown, today))
        return
    write("".join(f"{printable(line)}\n" for line in _lines(shown, today, _SPARKS if _unicode(as_ascii) else _ASCII)))
    if not found:
        say("no result fits")
    elif not shown:
        say(f"nothing stands out in {len(found)} trends")


@results.command()
def rollup(
    place: ResultsAddress = "",
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="From this UTC day on (default: what may be new).")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Up to this UTC day.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every day that has results.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compute results by day and keep them in rule_results_daily; a day that is there is replaced."""
    from lakepact.results.rollups import roll_up

    if everything and since is not None:
        raise UsageError("--all and --since exclude each other", "LP995")
    start = dt.date(1970, 1, 1) if everything else _day(since)
    days = roll_up(named_results(place), since=start, until=_day(until))
    if as_json:
        show_json([each.isoformat() for each in days])
    elif days:
        write(f"{len(days)} day{'s' * (len(days) != 1)} computed, {days[0]} to {days[-1]}\n")
    else:
        say("no day has results")


@results.command()
def prune(
    place: ResultsAddress = "",
    older_than: Annotated[
        str, typer.Option(metavar="TIME", help="How long ago a day ended whose results go: 90d; two days at least.")
    ] = "90d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Remove results of UTC days that are over for long; rule_results_daily keeps a row a day and rule of them.

    Days that are not there yet are computed first. Trends go on from them; single runs of these days are gone.
    """
    from lakepact.notify.durations import duration_of
    from lakepact.results.retention import prune_results

    done = prune_results(named_results(place), duration_of(older_than), dry_run=dry_run)
    if as_json:
        show_json({"dry_run": dry_run, **_pruned_json(done)})
    elif done.days:
        what = f"{done.results:,} result{'s' * (done.results != 1)} of {_counted_days(done.days)}"
        computed = f", {_counted_days(done.computed)} computed first" if done.computed else ""
        write(f"{what} {'would be ' if dry_run else ''}removed: before {done.before}{computed}\n")
    else:
        say(f"no results to remove from before {done.before}")
    for day in done.left:
        say(f"{day} is left alone: rule_results_daily and rule_results each have results that the other lacks")


def _counted_days(days: Sequence[dt.date]) -> str:
    return f"{len(days)} day{'s' * (len(days) != 1)}"


def _pruned_json(done: Pruned) -> dict[str, Any]:
    return {
        "before": done.before.isoformat(),
        "results": done.results,
        **{name: [day.isoformat() for day in getattr(done, name)] for name in ("days", "computed", "left")},
    }


def named_results(place: str) -> str:
    """The place of the results. Raises UsageError LP995 where none is named."""
    if not place:
        raise UsageError("no place of results is named", "LP995", "give --results, or set LAKEPACT_RESULTS")
    return place


def moment_or_now(text: str | None) -> dt.datetime:
    """The moment of a text, in UTC where it names no zone, or now. Raises UsageError LP995 for one that is far away."""
    from lakepact.notify.durations import moment_of

    moment = dt.datetime.now(dt.UTC) if text is None else moment_of(text)
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise UsageError(f"'{text}' is no time that results are of", "LP995", "write 2024-01-31T10:00:00Z")
    return moment


def _day(text: str | None) -> dt.date | None:
    try:
        day = None if text is None else dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no day", "LP995", "write 2024-01-31") from None
    if day is not None and not _YEARS[0] <= day.year <= _YEARS[1]:
        raise UsageError(f"'{text}' is no day that results are of", "LP995", "write 2024-01-31")
    return day


def _unicode(as_ascii: bool) -> bool:
    """Whether stdout can show the blocks of a spark line."""
    try:
        _SPARKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return not as_ascii


def _lines(found: Sequence[Trend], today: dt.date, sparks: str) -> Iterable[str]:
    if not found:
        return
    titles = ("contract", "dataset", "rule", "measure", "days", "before", "recent", "last", "status", "trend")
    rows: list[tuple[str, ...]] = [titles]
    rows += [_row(each, today, sparks) for each in found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if number and (hint := found[number - 1].hint) is not None:
            yield f"    hint: {hint}"


def _row(each: Trend, today: dt.date, sparks: str) -> tuple[str, ...]:
    """The medians of the seven known days before, of the last seven, and the last day."""
    before = "-" if each.before is None else _number(each.before)
    cells = (
        each.contract_id,
        each.dataset,
        each.rule_id or "-",
        each.measure.value,
        str(len(each.points)),
        before,
        _number(each.recent),
        _number(each.points[-1].value),
        each.last_status or "-",
    )
    return (*(" ".join(cell.split()) for cell in cells), _spark(each.points, today, sparks))


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def _spark(points: Iterable[Point], today: dt.date, sparks: str) -> str:
    """The last days as bars from the lowest to the highest; a day that is not known is a gap."""
    values = {point.day: point.value for point in points if point.day > today - dt.timedelta(days=_SHOWN_DAYS)}
    if not values:
        return ""
    low, high, first = min(values.values()), max(values.values()), min(values)
    span = (high - low) or 1.0
    days = (first + dt.timedelta(days=number) for number in range((max(values) - first).days + 1))
    top = len(sparks) - 1
    return "".join(sparks[round((values[day] - low) / span * top)] if day in values else " " for day in days)


def _document(found: Sequence[Trend], today: dt.date) -> dict[str, Any]:
    from lakepact.results.trend import MINIMUM_DAYS, THRESHOLD

    return {
        "today": today.isoformat(),
        "method": {"name": "robust z-score", "threshold": THRESHOLD, "minimum_days": MINIMUM_DAYS},
        "trends": [_trend_json(each) for each in found],
    }


def _trend_json(each: Trend) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "contract": each.contract_id,
        "object": each.object,
        "dataset": each.dataset,
        "rule": each.rule_id or None,
        "measure": each.measure.value,
        "points": [{"day": point.day.isoformat(), "value": point.value} for point in each.points],
        "recent": each.recent,
        "before": each.before,
        "versions": [{"day": day.isoformat(), "version": version} for day, version in each.versions],
        "last_status": each.last_status or None,
        "days_missing": each.days_missing,
        "hint": None if each.hint is None else asdict(each.hint) | {"text": str(each.hint)},
    }
