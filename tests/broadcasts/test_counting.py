from pytest_django import DjangoAssertNumQueries

from broadcasts.counting import counts_by_broadcast
from broadcasts.models import School
from broadcasts.results import LABELS, count_by_label
from tests import factory
from tests.reports.rows import make_one_of_each


def test_counts_of_several_broadcasts_add_up_to_their_rows_in_one_query(
    lincoln: School, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    full, empty = factory.make_broadcast(lincoln), factory.make_broadcast(lincoln)
    make_one_of_each(full)
    with django_assert_num_queries(1):
        counts = counts_by_broadcast([full, empty])
    assert list(counts[full.pk]) == list(counts[empty.pk]) == list(LABELS)
    assert sum(counts[full.pk].values()) == full.deliveries.count() == 11
    assert counts[full.pk] == count_by_label(full.deliveries.all())
    assert set(counts[empty.pk].values()) == {0}
