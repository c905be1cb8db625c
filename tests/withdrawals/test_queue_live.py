"""An open queue: what it learns, the peek, claiming a row."""

import re
from typing import Any

import pytest

from backoffice.accounts.models import User
from tests.conftest import NOW
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import make_destination
from tests.withdrawals.queue_page import SignIn, get, waiting
from withdrawals.models import Claim, Withdrawal
from withdrawals.operations import claims, decisions
from withdrawals.states import Move

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


def poll_address(html: str) -> str:
    found = re.search(r'hx-get="(\?[^"]*live=[^"]+)"', html)
    assert found
    return "/withdrawals/" + found[1].replace("&amp;", "&")


def test_asking_what_changed_takes_two_statements(
    operator: User, client_for: SignIn, django_assert_num_queries: Any
) -> None:
    waiting(), waiting()
    client = client_for(operator)
    address = poll_address(get(client))
    with django_assert_num_queries(4):  # session, person with their rights, and two for the list
        assert client.get(address).status_code == 204


def test_an_open_queue_learns_who_claimed_and_what_was_decided(
    operator: User, senior: User, client_for: SignIn
) -> None:
    taken, decided, rejected, quiet = waiting(70), waiting(60), waiting(50), waiting(40)
    client = client_for(operator)
    address = poll_address(get(client))
    claims.claim(taken, user=senior, now=NOW)
    decisions.decide(decided, Move.APPROVE, actor=senior, now=NOW, version=decided.version, key="k")
    Withdrawal.advance(rejected.pk, Move.REJECT, actor=senior, now=NOW, reason="linked_account")
    text = get(client, address)
    assert re.search(rf'id="c-{taken.ref}-owner" hx-swap-oob="true">.*?Marta', text, re.S)
    assert re.search(rf'id="c-{decided.ref}-due" hx-swap-oob="true"><span class="is-gone">.*?Decided', text, re.S)
    assert re.search(rf'id="c-{rejected.ref}-due" hx-swap-oob="true"><span class="is-gone">.*?Rejected', text, re.S)
    assert quiet.ref not in text and "<b>2</b> waiting" in text
    assert client.get(poll_address(text)).status_code == 204


def test_who_reads_less_is_not_told_more_by_an_open_list(support: User, operator: User, client_for: SignIn) -> None:
    row = waiting()
    client = client_for(support)
    address = poll_address(get(client, "/withdrawals/?method=iban"))
    claims.claim(row, user=operator, now=NOW)
    response = client.get(address)
    assert "Dana" not in response.text


def test_a_peek_shows_the_facts_and_the_reasons_and_claims_nothing(operator: User, client_for: SignIn) -> None:
    row = waiting(risk=(46, "medium"))
    html = get(client_for(operator), f"/withdrawals/?view=needs-decision&peek={row.ref}")
    assert "€180.00" in html and row.player.name in html and "Why it needs a person" in html
    assert f'href="/withdrawals/{row.ref}/?view=needs-decision"' in html and "data-claim-row" in html
    assert not Claim.objects.exists()
    assert client_for(operator).get("/withdrawals/?peek=WD-0000-0000").status_code == 404


def test_a_peek_holds_what_its_reader_may_see(make_staff: Any, client_for: SignIn) -> None:
    player = PlayerFactory(verified=True, name="Elena Marković")
    row = waiting(player=player, destination=make_destination(player, ending="7731"), risk=(71, "high"))
    expected = {
        "Operator": {"Elena", "7731", "Why it needs", "data-claim-row"},
        "Compliance": {"Elena", "7731", "Why it needs"},
        "Support": {"Elena", "7731"},
        "Finance": {"7731"},
        "Administrator": set(),
    }
    for role, seen in expected.items():
        html = get(client_for(make_staff(role)), f"/withdrawals/?peek={row.ref}")
        if role == "Operator":
            assert "data-claim-row" not in html  # high risk: the first yes is an analyst's
            seen = seen - {"data-claim-row"}
        assert {text for text in ("Elena", "7731", "Why it needs", "data-claim-row") if text in html} == seen, role


def test_claiming_a_row_answers_with_its_owner(operator: User, senior: User, client_for: SignIn) -> None:
    free, taken = waiting(20), waiting(10)
    claims.claim(taken, user=senior, now=NOW)
    client, part = client_for(operator), {"HX-Request": "true"}
    response = client.post(f"/withdrawals/{free.ref}/claim/", {"cell": "1"}, headers=part)
    assert response.status_code == 200
    assert re.search(rf'id="c-{free.ref}-owner" hx-swap-oob="true">.*?You', response.text, re.S)
    assert Claim.objects.get(withdrawal=free).owner == operator
    response = client.post(f"/withdrawals/{taken.ref}/claim/", headers=part)
    assert response.status_code == 409 and "Marta Keller is deciding this." in response.text
    assert Claim.objects.get(withdrawal=taken).owner == senior
    assert client.post(f"/withdrawals/{free.ref}/claim/").status_code == 302


@pytest.mark.parametrize("role", ["Support", "Finance", "Compliance", "Administrator"])
def test_who_does_not_decide_claims_nothing(make_staff: Any, client_for: SignIn, role: str) -> None:
    row = waiting()
    client = client_for(make_staff(role))
    assert "data-claim" not in get(client)
    assert client.post(f"/withdrawals/{row.ref}/claim/").status_code == 403
    assert not Claim.objects.exists()
