"""Pipelines of a Databricks workspace, by the workspace's own SDK."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from lakepact.contract import Contract
from lakepact.errors import ConfigurationError, ExtraMissing, RemoteFailed
from lakepact.rerun.event_log import first_error, results_of_events
from lakepact.rerun.runner import RunState, UpdateOutcome, UpdateRequest

__all__ = ["DatabricksRunner"]

_ENDED: Final = {
    "COMPLETED": RunState.COMPLETED,
    "FAILED": RunState.FAILED,
    "CANCELED": RunState.CANCELED,
}
_BUSY: Final = 5.0
_LONGEST: Final = 3600.0
_PAGE: Final = 250


class DatabricksRunner:
    """Starts updates of pipelines; `pipelines` maps a binding's name to the pipeline's id.

    An update that runs already is waited for, up to an hour. Which update was started for which key is told by the
    time: the first that this job could have started after it was asked for, and that does all that is asked for.
    """

    def __init__(
        self,
        client: Any,
        pipelines: Mapping[str, str],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`client` is a `databricks.sdk.WorkspaceClient`."""
        self._client = client
        self._pipelines = pipelines
        self._clock = clock
        self._pause = pause

    @property
    def address(self) -> str:
        """The workspace's address."""
        return str(self._client.config.host)

    def start(self, request: UpdateRequest) -> str:
        """Start an update, once a running one has ended; its id.

        An update of this pipeline that the API started since the request was first made, and that refreshes all that
        is asked for, is taken for it, so that a job that was killed before it could note the id starts none twice.
        Raises ConfigurationError LP945 for a pipeline that is continuous: its updates have no end.
        """
        pipeline_id = self._id(request.pipeline)
        with _talking(request.pipeline):
            if (found := self._started_since(pipeline_id, request)) is not None:
                return found
            self._wait_until_idle(request.pipeline, pipeline_id)
            started = self._client.pipelines.start_update(pipeline_id, **_asked(request))
        return str(started.update_id)

    def outcome(self, pipeline: str, update_id: str, contract: Contract) -> UpdateOutcome:
        """How an update stands; once it ended, what the event log says of it."""
        pipeline_id = self._id(pipeline)
        with _talking(pipeline):
            update = self._client.pipelines.get_update(pipeline_id, update_id).update
            state = _ENDED.get(_name(update.state), RunState.RUNNING)
            events = self._events(pipeline_id, update_id) if state.ended else []
        return UpdateOutcome(
            update_id=update_id,
            state=state,
            message=first_error(events) if state is RunState.FAILED else "",
            results=results_of_events(events, contract, run_id=update_id, at=self._clock()),
        )

    def _id(self, pipeline: str) -> str:
        if pipeline not in self._pipelines:
            known = ", ".join(sorted(self._pipelines)) or "none"
            message = f"no id of the pipeline '{pipeline}' in {self.address} is known"
            raise ConfigurationError(message, "LP945", f"name it; known are: {known}")
        return self._pipelines[pipeline]

    def _started_since(self, pipeline_id: str, request: UpdateRequest) -> str | None:
        updates = self._client.pipelines.list_updates(pipeline_id, max_results=25).updates or []
        begun = int(request.since.timestamp() * 1000)
        ours = [
            each
            for each in updates
            if (each.creation_time or 0) >= begun and _name(each.cause) == "API_CALL" and _does(each, request)
        ]
        return str(ours[-1].update_id) if ours else None

    def _wait_until_idle(self, pipeline: str, pipeline_id: str) -> None:
        waited = 0.0
        while _name((found := self._client.pipelines.get(pipeline_id)).state) not in ("IDLE", "FAILED"):
            if found.spec is not None and found.spec.continuous:
                hint = "make it triggered, or stop and start it by hand: it then runs under the version in force"
                raise ConfigurationError(f"pipeline '{pipeline}' is continuous, and runs", "LP945", hint)
            if waited >= _LONGEST:
                raise RemoteFailed(f"pipeline '{pipeline}' has been busy for an hour", "LP946", "it is tried again")
            self._pause(_BUSY)
            waited += _BUSY

    def _events(self, pipeline_id: str, update_id: str) -> list[Mapping[str, Any]]:
        """The events of an update, oldest first; as JSON, because the SDK's own class leaves out `details`."""
        query: dict[str, Any] = {
            "filter": f"update_id = '{update_id}'",
            "order_by": "timestamp asc",
            "max_results": _PAGE,
        }
        events: list[Mapping[str, Any]] = []
        while True:
            page = self._client.api_client.do("GET", f"/api/2.0/pipelines/{pipeline_id}/events", query=query)
            events += page.get("events") or []
            if not page.get("next_page_token"):
                return events
            query["page_token"] = page["next_page_token"]


def _asked(request: UpdateRequest) -> dict[str, Any]:
    """What of a pipeline is refreshed, in the words of the API."""
    if not request.refresh:
        return {"full_refresh": request.full_refresh}
    return {"full_refresh_selection" if request.full_refresh else "refresh_selection": list(request.refresh)}


def _does(update: Any, request: UpdateRequest) -> bool:
    """Whether an update refreshes all that is asked for, and empties it first where that is asked for."""
    fresh = set(update.full_refresh_selection or ())
    named = fresh | set(update.refresh_selection or ())
    if update.validate_only:
        return False
    if request.full_refresh and not update.full_refresh:
        return bool(request.refresh) and fresh.issuperset(request.refresh)
    return not named or (bool(request.refresh) and named.issuperset(request.refresh))


@contextmanager
def _talking(pipeline: str) -> Iterator[None]:
    """What the SDK raises, as errors of ours: what another attempt may help against is RemoteFailed."""
    try:
        from databricks.sdk.errors import NotFound, PermissionDenied
        from databricks.sdk.errors.base import DatabricksError
    except ImportError:
        message = "databricks-sdk is not installed"
        raise ExtraMissing(message, "LP947", "pip install 'lakepact[databricks]'") from None
    try:
        yield
    except NotFound as error:
        raise ConfigurationError(f"pipeline '{pipeline}' is not in the workspace: {_words(error)}", "LP945") from error
    except PermissionDenied as error:
        hint = "grant CAN_RUN on the pipeline to the job's principal"
        raise ConfigurationError(f"pipeline '{pipeline}' may not be run: {_words(error)}", "LP945", hint) from error
    except (DatabricksError, TimeoutError, OSError) as error:
        raise RemoteFailed(f"the workspace cannot run pipeline '{pipeline}': {_words(error)}", "LP946") from error


def _words(error: Exception) -> str:
    """What an error says; to a refusal the SDK adds how it is set up, which is nothing for the reason of an event."""
    return str(error).partition(" Config: ")[0].strip() or type(error).__name__


def _name(value: object) -> str:
    """The text of an enum of the SDK."""
    return str(getattr(value, "value", value) or "")
