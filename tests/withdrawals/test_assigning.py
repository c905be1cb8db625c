"""Giving many withdrawals to one person: whose they become, which do not, and who may."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from backoffice.accounts.models import User
from backoffice.audit.models import AuditEntry
from tests.conftest import NOW
from tests.factories.withdrawals import make_withdrawal
from tests.withdrawals.screen import QUEUE, SignIn, page, send, waiting
from withdrawals.exceptions import ClaimedByOther, NotAllowed
from withdrawals.models import Claim, Decision, Withdrawal
from withdrawals.operations import assigning, claims, decisions
from withdrawals.states import Move, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

PREVIEW = "/withdrawals/bulk/preview/"


def select(client: Client, *rows: Withdrawal, **more: Any) -> Any:
    """Send ticked rows as the bar of the list does."""
    query = "due=in_time&view=needs-decision"
    return client.post(PREVIEW, {"pick": [row.ref for row in rows], "move": "assign", "query": query, **more})


def owners() -> dict[str, str]:
    return dict(Claim.objects.values_list("withdrawal__ref", "owner__name"))


def test_an_operator_takes_all_of_them_at_once(operator: User, senior: User, client_for: SignIn) -> None:
    first, taken, second = waiting(), waiting(), waiting()
    decided, risky = waiting(), waiting(risk=(71, "high"))
    claims.claim(taken, user=senior, now=NOW)
    send(client_for(senior), decided, "reject", reason="linked_account")
    client = client_for(operator)
    assert "Assign…" in client.post(f"/withdrawals/{QUEUE}", {"pick": [first.ref]}).text
    answer = select(client, first, taken, second, decided, risky)
    assert "<h1>2 of 5 assigned to you</h1>" in answer.text
    assert owners() == {first.ref: "Dana Kovac", second.ref: "Dana Kovac", taken.ref: "Marta Keller"}
    assert answer.text.count("You have it") == 2 and "Dana Kovac has it" not in answer.text
    assert "Not assigned: Marta Keller is deciding this." in answer.text
    assert answer.text.count("Not assigned: It does not wait for a decision of yours.") == 2
    assert 'href="/withdrawals/?due=in_time&amp;view=needs-decision"' in answer.text
    assert {claim.until for claim in Claim.objects.filter(owner=operator)} == {NOW + settings.CLAIM_TIME}
    assert AuditEntry.objects.filter(action="claim", actor_user=operator).count() == 2


def test_a_senior_says_who_decides_them(operator: User, senior: User, finance: User, client_for: SignIn) -> None:
    rows, client = [waiting(), waiting()], client_for(senior)
    asked = select(client, *rows)
    assert "<h1>Assign 2 selected</h1>" in asked.text and "Dana Kovac" in asked.text and "Finn Olsen" not in asked.text
    assert not Claim.objects.exists()
    posted = dict(re.findall(r'<input type="hidden" name="(query|move)" value="([^"]*)"', asked.text))
    picked = re.findall(r'name="pick" value="([^"]*)"', asked.text)
    assert set(picked) == {row.ref for row in rows} and posted["move"] == "assign"
    for wrong in (str(finance.pk), "", "x"):
        refused = client.post(PREVIEW, {**posted, "pick": picked, "to": wrong})
        assert refused.status_code == 422 and "Choose somebody" in refused.text and not Claim.objects.exists()
    given = client.post(PREVIEW, {**posted, "pick": picked, "to": operator.pk})
    assert "<h1>2 of 2 assigned to Dana Kovac</h1>" in given.text and given.text.count("Dana Kovac has it") == 2
    assert set(owners().values()) == {"Dana Kovac"}
    entries = AuditEntry.objects.filter(action="assign")
    assert {(entry.actor_user, entry.data["to"]) for entry in entries} == {(senior, "Dana Kovac")} and len(entries) == 2
    assert "Marta Keller assigned this to Dana Kovac" in page(client_for(operator), rows[0])


def test_nobody_is_given_what_they_cannot_decide(senior: User, operator: User, client_for: SignIn) -> None:
    own = make_withdrawal(State.SECOND_APPROVAL, by=operator)
    answer = select(client_for(senior), own, to=operator.pk)
    assert "0 of 1 assigned" in answer.text and not Claim.objects.exists()
    assert "Not assigned: It does not wait for a decision of Dana Kovac." in answer.text


def test_what_somebody_has_already_stays_theirs_and_is_renewed(operator: User, client_for: SignIn) -> None:
    row = waiting()
    claims.claim(row, user=operator, now=NOW - timedelta(minutes=10))
    assert "1 of 1 assigned to you" in select(client_for(operator), row).text
    assert Claim.objects.get().until == NOW + settings.CLAIM_TIME


def test_only_a_senior_gives_to_others(operator: User, make_staff: Any, client_for: SignIn) -> None:
    row, other = waiting(), make_staff("Operator", "Jo Lund")
    select(client_for(operator), row, to=other.pk)
    assert owners() == {row.ref: "Dana Kovac"}
    with pytest.raises(NotAllowed):
        assigning.assign([row.ref], to=other, actor=operator, now=NOW)
    for role in ("Support", "Finance", "Compliance", "Administrator", "Fraud"):
        assert select(client_for(make_staff(role)), row).status_code == 403, role


def test_a_selection_that_is_none_is_refused(operator: User, client_for: SignIn, monkeypatch: Any) -> None:
    client = client_for(operator)
    assert select(client).status_code == 422
    assert select(client, whole="1", count="7", digest="x").status_code == 409
    monkeypatch.setattr(assigning, "MOST", 1)
    answer = select(client, waiting(), waiting())
    assert answer.status_code == 422 and "At most 1 are assigned at once." in answer.text and not Claim.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_whoever_gives_and_decides_at_once_it_has_one_owner_and_nobody_waits_for_ever(
    operator: User, senior: User, make_staff: Any
) -> None:
    other, jo = make_staff("Senior", "Piotr Maj"), make_staff("Operator", "Jo Lund")
    rows = [waiting() for _ in range(8)]
    refs = [row.ref for row in rows]

    def gives(giver: User, to: User, these: list[str]) -> Callable[[], Any]:
        return lambda: assigning.assign(these, to=to, actor=giver, now=NOW)

    def decides(row: Withdrawal) -> Callable[[], Any]:
        given = {"version": row.version, "key": row.ref}
        return lambda: decisions.decide(row, Move.APPROVE, actor=operator, now=NOW, **given)

    failed = at_once(
        gives(senior, jo, refs),
        gives(other, operator, refs[::-1]),
        gives(jo, jo, refs[4:]),
        *(decides(row) for row in rows[:3]),
        lambda: claims.next_for(jo, now=NOW),
    )
    assert not [error for error in failed if not isinstance(error, ClaimedByOther)]
    decided = set(Decision.objects.values_list("withdrawal__ref", flat=True))
    assert set(owners()) | decided == set(refs) and not set(owners()) & decided


def at_once(*acts: Callable[[], Any]) -> list[Exception]:
    """Do all of them in the same moment; return what any of them raised."""
    barrier, raised = threading.Barrier(len(acts)), []

    def do(act: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            act()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
