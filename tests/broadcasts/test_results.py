"""Results only move forward, whatever comes in which order, how often and from how many threads."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcasts.models import Delivery
from broadcasts.results import ABSORBING, LABELS, Result, count_by_label, raise_results, raised_to
from tests import factory

evidence = st.lists(st.sampled_from(Result), max_size=12)
many_examples = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def make_row(result: Result = Result.UNSENT) -> Delivery:
    broadcast = factory.make_broadcast()
    return Delivery.objects.create(
        broadcast=broadcast, name="Anna", email="anna@x.example", address_key="anna@x.example",
        result=result, is_sendable=True,
    )  # fmt: skip


def apply_one_by_one(row: Delivery, results: Sequence[Result]) -> int:
    for result in results:
        raise_results(Delivery.objects.filter(pk=row.pk), result)
    return stored(row)


def stored(row: Delivery) -> int:
    return Delivery.objects.values_list("result", flat=True).get(pk=row.pk)


def expected_end(results: Sequence[Result]) -> int:
    """Greatest wins; an absorbing result counts only while the row is Unsent."""
    end = Result.UNSENT
    for result in results:
        if result not in ABSORBING or end == Result.UNSENT:
            end = max(end, result)
    return end


@pytest.fixture
def row(db: None) -> Delivery:
    return make_row()


def reset(row: Delivery) -> None:
    # A fresh row under the same key: nothing in the product ever moves a result back.
    Delivery.objects.filter(pk=row.pk).delete()
    row.result = Result.UNSENT
    row.save(force_insert=True)


@many_examples
@given(results=evidence)
def test_a_result_is_the_greatest_of_its_evidence(row: Delivery, results: list[Result]) -> None:
    reset(row)
    assert apply_one_by_one(row, results) == expected_end(results)


@many_examples
@given(results=st.lists(st.sampled_from([r for r in Result if r not in ABSORBING]), max_size=8), data=st.data())
def test_order_repetition_and_batches_change_nothing(
    row: Delivery, results: list[Result], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(results + data.draw(st.lists(st.sampled_from(results or [Result.UNSENT])))))
    reset(row)
    first = apply_one_by_one(row, results)
    reset(row)
    assert apply_one_by_one(row, again) == first


@many_examples
@given(results=evidence)
def test_no_step_moves_backwards(row: Delivery, results: list[Result]) -> None:
    reset(row)
    seen = [stored(row)]
    for result in results:
        raise_results(Delivery.objects.filter(pk=row.pk), result)
        seen.append(stored(row))
    assert seen == sorted(seen)


@pytest.mark.parametrize("before", Result)
@pytest.mark.parametrize("incoming", Result)
def test_both_forms_of_the_update_agree(row: Delivery, before: Result, incoming: Result) -> None:
    ends = []
    ways: tuple[Callable[[], object], ...] = (
        lambda: raise_results(Delivery.objects.filter(pk=row.pk), incoming),
        lambda: Delivery.objects.filter(pk=row.pk).update(result=raised_to(incoming)),
    )
    for way in ways:
        Delivery.objects.filter(pk=row.pk).delete()
        row.result = before
        row.save(force_insert=True)
        way()
        ends.append(stored(row))
    assert ends[0] == ends[1] == expected_end([before, incoming])


@pytest.mark.parametrize("failure", [Result.SOFT_BOUNCED, Result.BOUNCED, Result.FAILED, Result.BLOCKED_BY_PROVIDER])
def test_delivered_never_becomes_a_failure(row: Delivery, failure: Result) -> None:
    assert apply_one_by_one(row, [Result.DELIVERED, failure]) == Result.DELIVERED
    assert apply_one_by_one(row, [failure, Result.DELIVERED]) == Result.DELIVERED


@pytest.mark.parametrize("absorbing", ABSORBING)
def test_rows_that_never_carry_the_email_stay_as_they_are(row: Delivery, absorbing: Result) -> None:
    assert apply_one_by_one(row, [absorbing, *Result]) == absorbing


@pytest.mark.django_db(transaction=True)
def test_threads_end_where_one_thread_would() -> None:
    row = make_row()
    results = [result for result in Result if result not in ABSORBING] * 3

    def work(seed: int) -> None:
        try:
            apply_one_by_one(row, random.Random(seed).sample(results, len(results)))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(6)))
    assert stored(row) == Result.OPENED


@pytest.mark.django_db
def test_the_ten_labels_add_up_to_the_rows() -> None:
    broadcast = factory.make_broadcast()
    for number, result in enumerate(Result):
        Delivery.objects.create(
            broadcast=broadcast, name="Anna", email="", address_key=str(number), result=result, is_sendable=False
        )
    counts = count_by_label(broadcast.deliveries.all())
    assert list(counts) == list(LABELS)
    assert len(counts) == 10
    assert counts["Blocked"] == 2
    assert sum(counts.values()) == broadcast.deliveries.count() == len(Result)
