"""The statistics, by Python's own module."""

import math
import statistics

SPREAD = {"q1", "q3", "stdev", "variance"}  # what describes spread or shape needs min_sample_size


def compute(operation, samples, integer):
    """One statistic, None for no value. integer: the field is of int or long only."""
    try:
        value = _compute(operation, samples, integer)
    except OverflowError:
        value = math.inf
    if value is None:
        return None
    value = float(value)
    return None if value != value else value


def _compute(operation, samples, integer):
    # Means and deviations are exact whatever the types; quantiles interpolate
    # in the arithmetic of the field's type.
    if operation == "mean":
        return statistics.mean(samples)
    if operation == "stdev":
        return None if any(map(math.isinf, samples)) else statistics.stdev(samples)
    if operation == "variance":
        return None if any(map(math.isinf, samples)) else statistics.variance(samples)
    typed = samples if integer else [float(x) for x in samples]
    if operation == "min":
        return min(typed)
    if operation == "max":
        return max(typed)
    if operation == "median":
        return statistics.median(typed)
    if operation == "q1":
        return statistics.quantiles(typed, n=4)[0]
    if operation == "q3":
        return statistics.quantiles(typed, n=4)[2]
    raise ValueError(f"this check does not know the operation {operation}")


def summarize(operations, samples, integer, min_sample_size):
    """All statistics of one field in one window, in the order of operations."""
    results = []
    for operation in operations:
        least = max(min_sample_size, 2) if operation in SPREAD else 1
        results.append(compute(operation, samples, integer) if len(samples) >= least else None)
    return results
