"""What a monitoring system reads from `/metrics`, counted at the moment it asks."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..core.platform import Platform
from .counts import SiteCounts, count_site


class SiteCollector(Collector):
    """The numbers of the site as gauges."""

    def __init__(self, counts: SiteCounts, *, broker_up: bool) -> None:
        self._counts = counts
        self._broker_up = broker_up

    def collect(self) -> Iterable[Metric]:
        """The gauges, in the order in which they are listed."""
        counts = self._counts
        yield _evaluations(counts)
        for name, text, value in (
            ("queue_age_seconds", "Wait of the oldest queued evaluation.", counts.queue_age),
            (
                "leases_overdue",
                "Evaluations whose worker has fallen silent.",
                counts.leases_overdue,
            ),
            ("workers_busy", "Workers that score at the moment.", counts.workers_busy),
            ("housekeepers", "Housekeeping leases held by live workers.", counts.housekeepers),
            ("uploads_in_flight", "Uploads that have begun and not ended.", counts.uploads),
            ("users", "Accounts that are not deleted.", counts.users),
            ("challenges_published", "Challenges that people can see.", counts.challenges),
            ("broker_up", "Whether the broker answers.", self._broker_up),
        ):
            yield GaugeMetricFamily(f"fivesigma_{name}", text, value=float(value))


def metrics_text(platform: Platform) -> bytes:
    """All gauges in Prometheus' text format."""
    with platform.db.read() as session:
        counts = count_site(session, platform.clock())
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SiteCollector(counts, broker_up=platform.events.reachable()))
    return generate_latest(registry)


def _evaluations(counts: SiteCounts) -> GaugeMetricFamily:
    text = "Evaluations of submissions by state."
    family = GaugeMetricFamily("fivesigma_evaluations", text, labels=["state"])
    for state, count in counts.evaluations.items():
        family.add_metric([state.value], count)
    return family
