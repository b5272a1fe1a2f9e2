"""Quantiles out of Prometheus histograms."""

from __future__ import annotations

from collections.abc import Mapping


def bucket_counts(metrics: Mapping[str, float], name: str) -> dict[float, float]:
    """Cumulative counts by upper bound, of one histogram without labels (as parsed by tests.harness.server)."""
    prefix = f"{name}_bucket{{le="
    counts = {float(key[len(prefix) : -1]): value for key, value in metrics.items() if key.startswith(prefix)}
    return dict(sorted(counts.items()))


def between(before: Mapping[float, float], after: Mapping[float, float]) -> dict[float, float]:
    """What was observed in the meantime."""
    return {bound: count - before.get(bound, 0.0) for bound, count in after.items()}


def quantile(counts: Mapping[float, float], fraction: float) -> float | None:
    """Linear inside the bucket, as PromQL's histogram_quantile; None if nothing was observed."""
    total = max(counts.values(), default=0.0)
    if not total:
        return None
    wanted, lower, below = fraction * total, 0.0, 0.0
    for bound, count in counts.items():
        if count >= wanted:
            if bound == float("inf"):
                return lower
            return lower + (bound - lower) * (wanted - below) / max(count - below, 1e-9)
        lower, below = bound, count
    return lower
