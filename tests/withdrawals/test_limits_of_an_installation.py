"""A new installation has limits, and so has every test, whatever ran before it."""

import pytest
from django.core.management import call_command

from withdrawals.models import Limit


@pytest.mark.django_db(transaction=True)
def test_an_emptied_test_database_has_the_limits_of_a_new_installation() -> None:
    before = set(Limit.objects.values_list("scope", "period", "cap_amount", "cap_count", "effect"))
    call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=False)
    assert len(before) == 6 and before == set(
        Limit.objects.values_list("scope", "period", "cap_amount", "cap_count", "effect")
    )
