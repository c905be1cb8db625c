"""The flagged list, the page of one withdrawal, and the two verdicts."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from tests.factories.kyc import PlayerFactory
from tests.factories.withdrawals import fund, make_destination, make_withdrawal
from tests.menu import menu_links
from withdrawals.models import CheckResult, Decision, Withdrawal
from withdrawals.operations import due_decisions
from withdrawals.states import State

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


def flagged(amount: int = 18_000, risk: tuple[int, str] = (71, "high"), **options: object) -> Withdrawal:
    why = ("Device shared with 3 players", "Cash-out 9 min after a deposit", "Third one")
    withdrawal = make_withdrawal(
        State.UNDER_REVIEW, now=timezone.now(), amount=amount, risk=risk, is_flagged=True, why=why, **options
    )
    CheckResult.objects.create(
        withdrawal=withdrawal,
        code="fraud.FR04",
        outcome="review",
        title="Cash-out 9 min after a deposit",
        sentence="Deposited €150.00 and asked for €180.00 9 min later.",
        points=25,
        evidence={"last_deposit": 15_000, "minutes": 9, "threshold_minutes": 60},
        at=timezone.now(),
    )
    return withdrawal


def shown(response: object) -> list[str]:
    return [row.ref for row in response.context["page"].rows]  # type: ignore[attr-defined]


def answer(withdrawal: Withdrawal, reason: str = "win_verified", **changes: str) -> dict[str, str]:
    return {"version": str(withdrawal.version), "token": uuid.uuid4().hex, "reason": reason, "note": ""} | changes


def test_only_fraud_and_compliance_find_it(
    client_for: ClientFor, fraud_analyst: User, compliance: User, operator: User, support: User, finance: User
) -> None:
    withdrawal = flagged()
    for user in (fraud_analyst, compliance):
        assert "/flagged/" in menu_links(client_for(user).get("/players/"))
        assert client_for(user).get("/flagged/").status_code == 200
        assert client_for(user).get(f"/flagged/{withdrawal.ref}/").status_code == 200
    for user in (operator, support, finance):
        assert "/flagged/" not in menu_links(client_for(user).get("/withdrawals/?view=all"))
        assert client_for(user).get("/flagged/").status_code == 403
        assert client_for(user).get(f"/flagged/{withdrawal.ref}/").status_code == 403
        assert client_for(user).get(f"/flagged/{withdrawal.ref}/clear/").status_code == 403


def test_riskiest_first_with_money_at_stake_and_two_signals(client_for: ClientFor, fraud_analyst: User) -> None:
    medium, high = flagged(risk=(46, "medium")), flagged()
    make_withdrawal(State.UNDER_REVIEW, now=timezone.now())  # not flagged
    fund(high.player, 70_000, "SEK")
    make_withdrawal(
        State.UNDER_REVIEW, now=timezone.now(), player=high.player, amount=70_000, currency="SEK", funded=False,
        destination=make_destination(high.player),
    )  # fmt: skip
    response = client_for(fraud_analyst).get("/flagged/")
    assert shown(response) == [high.ref, medium.ref]
    row = re.search(rf"<tr data-row>.*?{high.ref}.*?</tr>", response.text, re.S)
    assert row
    assert "€180.00" in row[0] and "700.00" in row[0] and "in 2" in row[0]
    assert "Device shared with 3 players · Cash-out 9 min after a deposit<" in row[0]


def test_the_heading_leaves_no_currency_out(client_for: ClientFor, fraud_analyst: User) -> None:
    for currency in ("EUR", "SEK", "USD", "BRL", "GBP"):
        withdrawal = flagged(currency=currency)
        assert withdrawal.currency == currency
    html = client_for(fraud_analyst).get("/flagged/").text
    assert "<b>5</b> withdrawals" in html and "2 more currencies" in html


def test_a_level_that_a_hold_made_says_so(client_for: ClientFor, fraud_analyst: User) -> None:
    held, scored = flagged(risk=(25, "high")), flagged(risk=(71, "high"))
    client = client_for(fraud_analyst)
    html = client.get("/flagged/").text
    assert '25 <span class="muted">High, held</span>' in html and '71 <span class="muted">High</span>' in html
    assert "High risk, held" in client.get(f"/flagged/{held.ref}/").text
    assert "High risk, held" not in client.get(f"/flagged/{scored.ref}/").text


def test_filters_and_tabs(client_for: ClientFor, fraud_analyst: User) -> None:
    medium, high = flagged(risk=(46, "medium"), amount=500_000), flagged()
    client = client_for(fraud_analyst)
    assert shown(client.get("/flagged/?view=high")) == [high.ref]
    assert shown(client.get("/flagged/?risk=medium")) == [medium.ref]
    assert shown(client.get("/flagged/?amount_min=1000")) == [medium.ref]
    assert shown(client.get("/flagged/?signal=fraud.FR04")) == [high.ref, medium.ref]
    assert shown(client.get("/flagged/?signal=fraud.FR05")) == []
    assert shown(client.get(f"/flagged/?q={high.ref}")) == [high.ref]
    assert shown(client.get("/flagged/?country=hr")) == [high.ref, medium.ref]


@pytest.mark.parametrize("query", ["view=x", "risk=pink", "amount_min=abc", "signal='", "after=1", "sort=-x"])
def test_nonsense_is_left_out(client_for: ClientFor, fraud_analyst: User, query: str) -> None:
    withdrawal = flagged()
    response = client_for(fraud_analyst).get(f"/flagged/?{query}")
    assert (response.status_code, shown(response)) == (200, [withdrawal.ref])


def test_the_number_of_queries_does_not_grow(
    client_for: ClientFor, fraud_analyst: User, django_assert_num_queries: Callable[..., object]
) -> None:
    client = client_for(fraud_analyst)
    for more in (1, 2):
        for _ in range(more):
            flagged()
        client.get("/flagged/")
        with django_assert_num_queries(9):  # type: ignore[attr-defined]
            client.get("/flagged/")


def test_the_page_says_everything_that_was_found(client_for: ClientFor, fraud_analyst: User, compliance: User) -> None:
    withdrawal = flagged()
    page = client_for(fraud_analyst).get(f"/flagged/{withdrawal.ref}/").text
    assert "Deposited €150.00 and asked for €180.00 9 min later." in page
    assert "+25 points" in page
    assert re.search(r"<dt>Last deposit</dt><dd>.*?€150\.00", page)
    assert "Nobody else uses this player" in page
    assert "Sent to review" in page
    assert f"/flagged/{withdrawal.ref}/clear/" in page and f"/flagged/{withdrawal.ref}/confirm-fraud/" in page
    read_only = client_for(compliance).get(f"/flagged/{withdrawal.ref}/").text
    assert "Deposited €150.00" in read_only
    assert "/clear/" not in read_only and "/confirm-fraud/" not in read_only


def test_opening_claims_for_an_analyst_only(client_for: ClientFor, fraud_analyst: User, compliance: User) -> None:
    withdrawal = flagged()
    client_for(compliance).get(f"/flagged/{withdrawal.ref}/")
    assert not Withdrawal.objects.filter(claim__isnull=False)
    client_for(fraud_analyst).get(f"/flagged/{withdrawal.ref}/")
    assert Withdrawal.objects.get(claim__owner=fraud_analyst) == withdrawal


def test_clearing_approves_after_the_undo_time(client_for: ClientFor, fraud_analyst: User) -> None:
    withdrawal = flagged()
    client = client_for(fraud_analyst)
    form = client.get(f"/flagged/{withdrawal.ref}/clear/")
    assert "Win verified" in form.text and "The facts explain it" not in form.text
    response = client.post(f"/flagged/{withdrawal.ref}/clear/", answer(withdrawal), follow=True)
    assert response.redirect_chain == [(f"/flagged/{withdrawal.ref}/?view=flagged", 302)]
    assert "Undo" in response.text
    assert shown(client.get("/flagged/")) == []
    decision = Decision.objects.get()
    assert (decision.move, decision.reason, decision.status) == ("approve", "win_verified", "waiting")
    due_decisions.apply_due_decisions(now=timezone.now() + timedelta(seconds=11))
    withdrawal.refresh_from_db()
    assert withdrawal.state == State.APPROVED


def test_a_verdict_says_what_happens_to_the_money(client_for: ClientFor, fraud_analyst: User) -> None:
    small, large = flagged(), flagged(amount=200_000, approvals=2)
    client = client_for(fraud_analyst)
    for withdrawal, words in (
        (small, "Approve €180.00: goes to a provider"),
        (large, "Approve €2,000.00: then a second person confirms"),
    ):
        for address in (f"/flagged/{withdrawal.ref}/", f"/flagged/{withdrawal.ref}/clear/"):
            assert client.get(address).text.count(words) >= 2, address
        for address in (f"/flagged/{withdrawal.ref}/", f"/flagged/{withdrawal.ref}/confirm-fraud/"):
            assert "The money goes back to the player’s balance." in client.get(address).text


def test_after_the_verdict_the_case_says_how_it_stands(client_for: ClientFor, fraud_analyst: User) -> None:
    large, fraud = flagged(amount=200_000, approvals=2), flagged()
    client = client_for(fraud_analyst)
    client.post(f"/flagged/{large.ref}/clear/", answer(large))
    client.post(f"/flagged/{fraud.ref}/confirm-fraud/", answer(fraud, "fraud_mule"))
    due_decisions.apply_due_decisions(now=timezone.now() + timedelta(seconds=11))
    page = client.get(f"/flagged/{large.ref}/").text
    assert "You approved first" in page and "Somebody else must confirm." in page
    assert "<b>Rejected.</b>" in client.get(f"/flagged/{fraud.ref}/").text


def test_clearing_a_large_one_is_the_first_of_two(client_for: ClientFor, fraud_analyst: User) -> None:
    withdrawal = flagged(amount=200_000, approvals=2)
    client_for(fraud_analyst).post(f"/flagged/{withdrawal.ref}/clear/", answer(withdrawal))
    assert Decision.objects.get().move == "endorse"


def test_confirming_fraud_rejects_and_a_large_one_takes_two(
    client_for: ClientFor, fraud_analyst: User, make_staff: Callable[..., User]
) -> None:
    small, large = flagged(), flagged(amount=1_200_000)
    client = client_for(fraud_analyst)
    client.post(f"/flagged/{small.ref}/confirm-fraud/", answer(small, "fraud_mule"))
    assert Decision.objects.get(withdrawal=small).status == "waiting"
    page = client.post(f"/flagged/{large.ref}/confirm-fraud/", answer(large, "fraud_mule"), follow=True)
    assert "Proposed. It waits for somebody else to agree." in page.text
    proposal = Decision.objects.get(withdrawal=large)
    assert proposal.status == "proposed"
    assert shown(client.get("/flagged/")) == []
    assert shown(client.get("/flagged/?view=proposed")) == [large.ref]
    agree = f"/withdrawals/decisions/{proposal.pk}/agree/"
    assert agree not in client.get(f"/flagged/{large.ref}/").text
    colleague = make_staff("Fraud", "Ravi Menon")
    assert agree in client_for(colleague).get(f"/flagged/{large.ref}/").text
    client_for(colleague).post(agree)
    proposal.refresh_from_db()
    assert (proposal.status, proposal.proposed_by) == ("waiting", fraud_analyst)


def test_a_reason_is_always_asked_and_only_of_its_own_list(client_for: ClientFor, fraud_analyst: User) -> None:
    withdrawal = flagged(risk=(10, "low"))
    client = client_for(fraud_analyst)
    for reason in ("", "fraud_mule", "facts_explain_it"):
        response = client.post(f"/flagged/{withdrawal.ref}/clear/", answer(withdrawal, reason, note="kept text"))
        assert response.status_code == 422
        assert "kept text" in response.text
    assert not Decision.objects.exists()


def test_too_late_and_stale_are_conflicts_and_a_repeated_key_is_not(
    client_for: ClientFor, fraud_analyst: User, make_staff: Callable[..., User]
) -> None:
    withdrawal, client = flagged(), client_for(fraud_analyst)
    stale = client.post(f"/flagged/{withdrawal.ref}/clear/", answer(withdrawal, version="0"))
    assert stale.status_code == 409
    sent = answer(withdrawal)
    for _ in range(2):
        assert client.post(f"/flagged/{withdrawal.ref}/clear/", sent).status_code == 302
    assert Decision.objects.count() == 1
    other = client_for(make_staff("Fraud", "Ravi Menon"))
    late = other.post(f"/flagged/{withdrawal.ref}/confirm-fraud/", answer(withdrawal, "fraud_other"))
    assert late.status_code == 409
    assert "Priya Nair" in late.text


def test_unknown_addresses(client_for: ClientFor, fraud_analyst: User) -> None:
    client = client_for(fraud_analyst)
    assert client.get("/flagged/WD-0000-0000/").status_code == 404
    assert client.get(f"/flagged/{flagged().ref}/approve/").status_code == 404


def test_linked_players_are_named(client_for: ClientFor, fraud_analyst: User) -> None:
    from tests.factories.fraud import LoginFactory

    withdrawal = flagged()
    other = PlayerFactory(verified=True, name="Ivan Marković")
    for player in (withdrawal.player, other):
        LoginFactory(player_id=player.pk, at=timezone.now() - timedelta(hours=2))
    page = client_for(fraud_analyst).get(f"/flagged/{withdrawal.ref}/").text
    assert "Ivan Marković" in page and "shares device" in page


def test_who_shares_the_payout_details_is_a_linked_player(client_for: ClientFor, fraud_analyst: User) -> None:
    account = "DE89370400440532013000"
    for_whom = PlayerFactory(verified=True)
    other = PlayerFactory(verified=True, name="Ivan Marković")
    make_destination(other, account=account)
    withdrawal = flagged(player=for_whom, destination=make_destination(for_whom, account=account))
    for address in (f"/flagged/{withdrawal.ref}/", f"/withdrawals/{withdrawal.ref}/"):
        page = client_for(fraud_analyst).get(address).text
        assert "Ivan Marković" in page and "shares payout details IBAN •••• 3000." in page
        assert f"/players/?q={other.ref}" in page and "Nobody else uses" not in page


def test_taking_a_verdict_back_leads_to_what_was_found(client_for: ClientFor, fraud_analyst: User) -> None:
    withdrawal, client = flagged(), client_for(fraud_analyst)
    page = client.post(f"/flagged/{withdrawal.ref}/clear/", answer(withdrawal), follow=True).text
    undo = re.search(r'action="(/withdrawals/decisions/\d+/undo/[^"]*)"', page)
    assert undo
    assert client.post(undo[1]).headers["Location"] == f"/flagged/{withdrawal.ref}/?view=flagged.open"
    assert Decision.objects.get().status == Decision.Status.UNDONE


def keys(html: str) -> dict[str, str]:
    return {key: unescape(address) for address, key in re.findall(r'<a href="([^"]*)"[^>]*data-key="([jk])"', html)}


def test_the_list_is_walked_along(client_for: ClientFor, fraud_analyst: User) -> None:
    middle, high, low = flagged(risk=(46, "medium")), flagged(), flagged(risk=(31, "medium"))
    client, view = client_for(fraud_analyst), "?risk=medium&view=flagged.open"
    assert f'href="/flagged/{middle.ref}/{view.replace("&", "&amp;")}"' in client.get("/flagged/?risk=medium").text
    html = client.get(f"/flagged/{middle.ref}/{view}").text
    assert "1 of 2" in html and 'href="/flagged/?view=open&amp;risk=medium"' in html
    assert client.get(keys(html)["j"]).headers["Location"] == f"/flagged/{low.ref}/{view}"
    html = client.get(f"/flagged/{middle.ref}/?view=flagged.open").text
    assert "2 of 3" in html
    assert client.get(keys(html)["k"]).headers["Location"] == f"/flagged/{high.ref}/?view=flagged.open"
    assert not Withdrawal.objects.filter(claim__isnull=False)  # moving on gives it back
    assert keys(client.get(f"/flagged/{middle.ref}/").text) == {}


def test_after_a_verdict_comes_the_next_one(client_for: ClientFor, fraud_analyst: User) -> None:
    middle, high = flagged(risk=(46, "medium")), flagged()
    client, view = client_for(fraud_analyst), "?view=flagged.open"
    html = client.get(f"/flagged/{high.ref}/{view}").text
    assert "Next: <b" in html and 'name="open_next"' in html and f"/flagged/{high.ref}/clear/{view}" in html
    sent = client.post(f"/flagged/{high.ref}/clear/{view}", answer(high, open_next="1"))
    assert sent.headers["Location"] == f"/withdrawals/next/{view}&decided={high.ref}"
    assert client.get(sent.headers["Location"]).headers["Location"] == f"/flagged/{middle.ref}/{view}"
    assert Withdrawal.objects.get(claim__owner=fraud_analyst) == middle
    sent = client.post(f"/flagged/{middle.ref}/clear/{view}", answer(middle))
    assert sent.headers["Location"] == f"/flagged/{middle.ref}/{view}"
    late = client.post(f"/flagged/{high.ref}/confirm-fraud/{view}", answer(high, "stolen_card"))
    assert late.status_code == 409 and 'href="/flagged/?view=open"' in late.text
