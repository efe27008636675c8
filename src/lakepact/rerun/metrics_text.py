"""Metrics of inbox and receiver as the text that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING, Final

from lakepact.errors import ExtraMissing
from lakepact.rerun.inbox_metrics import INBOX_METRICS
from lakepact.rerun.receiver_metrics import ANSWER_SECONDS, ANSWERS, Counted
from lakepact.results.metrics import Sample

try:
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
    from prometheus_client.registry import Collector
except ImportError as missing:
    raise ExtraMissing(
        "prometheus-client is not installed",
        "LP939",
        "pip install 'lakepact[metrics]'",
        {"distribution": "prometheus-client", "extra": "metrics"},
    ) from missing

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

__all__ = ["CONTENT_TYPE", "inbox_text", "receiver_text"]

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
"""The media type of the text."""


def inbox_text(samples: Iterable[Sample]) -> bytes:
    """The text of the samples of an inbox."""
    given = list(samples)
    families = []
    for metric in INBOX_METRICS:
        family = GaugeMetricFamily(metric.name, metric.help, labels=list(metric.labels))
        for sample in given:
            if sample.metric is metric:
                family.add_metric(list(sample.labels), sample.value)
        families.append(family)
    return _text(families)


def receiver_text(counted: Counted) -> bytes:
    """The text of what a receiver counted."""
    answers = CounterMetricFamily(*ANSWERS, labels=["status"])
    for status, count in counted.answers.items():
        answers.add_metric([str(status)], float(count))
    seconds = HistogramMetricFamily(*ANSWER_SECONDS)
    buckets = [("+Inf" if bound == inf else str(bound), float(count)) for bound, count in counted.buckets]
    seconds.add_metric([], buckets, counted.seconds)
    return _text([answers, seconds])


class _Families(Collector):
    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Family]:
        yield from self._families


def _text(families: Sequence[Family]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    return generate_latest(registry)
