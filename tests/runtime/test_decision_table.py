"""The table of decisions: rows of any day are kept, found, and never changed."""

import pytest
from django.db import ProgrammingError, transaction

from runtime.models import Decision
from tests.factories import NOW, ago
from tests.runtime.factories import a_decision

pytestmark = pytest.mark.django_db


def test_a_decision_is_never_changed_nor_removed() -> None:
    row = a_decision()

    for change in (
        lambda: Decision.objects.update(permitted=True),
        lambda: Decision.objects.all().delete(),
    ):
        with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
            change()

    assert Decision.objects.get(pk=row.pk).permitted is False


def test_ids_are_in_the_order_of_time() -> None:
    late, early = a_decision(made_at=NOW), a_decision(made_at=ago(1))

    assert list(Decision.objects.all()) == [late, early]
    assert list(Decision.objects.between(ago(2), NOW)) == [early]
