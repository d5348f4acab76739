from reports.operations.exposition import Metric, write_metrics


def test_signs_that_mean_something_are_escaped() -> None:
    metric = Metric("odd", "Two\nlines and a \\.")
    metric.add(1.5, said='a "quote", a \\ and\na line')
    metric.add(12_345_678, said="")
    assert write_metrics([metric]) == (
        "# HELP odd Two\\nlines and a \\\\.\n"
        "# TYPE odd gauge\n"
        'odd{said="a \\"quote\\", a \\\\ and\\na line"} 1.5\n'
        'odd{said=""} 12345678\n'
    )


def test_a_metric_without_samples_is_only_declared() -> None:
    assert write_metrics([Metric("none", "Nothing.", "counter")]) == "# HELP none Nothing.\n# TYPE none counter\n"
