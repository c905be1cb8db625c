"""Acts that ask once more who somebody is: which, what counts as a proof, and that nothing is typed twice."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import URLResolver, get_resolver, resolve

from backoffice.accounts.models import User
from backoffice.accounts.sign_in import MOST_FAILURES
from backoffice.audit.models import AuditEntry
from backoffice.sensitive import ACTS, act_of
from providers import routing
from tests.accounts.conftest import shown
from tests.backoffice.test_roles import named
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
PAUSE = "/providers/volta/pause/"
TYPED = {"reason": "Slow since this morning,\nthey look <into> it."}


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def stale(finance: User, client_for: ClientFor, _noon: Any) -> Client:
    """Finance, who proved who they are sixteen minutes ago and has not been idle."""
    client = client_for(finance)
    _noon.shift(timedelta(minutes=8))
    client.get("/transactions/")
    _noon.shift(timedelta(minutes=8))
    return client


def proofs() -> list[str]:
    return list(AuditEntry.objects.filter(action="prove").values_list("data__state", flat=True))


def test_the_list_names_addresses_that_exist() -> None:
    assert {act.url_name for act in ACTS} <= named(get_resolver())


def test_every_list_that_becomes_a_file_is_among_them() -> None:
    def files(resolver: URLResolver, space: str = "") -> Iterator[str]:
        for pattern in resolver.url_patterns:
            if isinstance(pattern, URLResolver):
                yield from files(pattern, f"{pattern.namespace}:" if pattern.namespace else space)
            elif getattr(getattr(pattern.callback, "view_class", None), "export_columns", ()):
                yield f"{space}{pattern.name}"

    found = set(files(get_resolver()))
    assert "withdrawals:in-flight" in found
    assert found == {act.url_name for act in ACTS if act.file}


def test_headers_of_a_file_ask_as_well_and_are_no_export(stale: Client, finance: User, client_for: ClientFor) -> None:
    address = "/transactions/?view=all&export=csv"
    assert stale.head(address).status_code == stale.get(address).status_code == 401
    assert client_for(finance).head(address).status_code == 200
    assert not AuditEntry.objects.filter(action="export").exists()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/withdrawals/WD-0/confirm/", "confirm an approval"),
        ("/withdrawals/bulk/apply/", "decide many withdrawals at once"),
        ("/withdrawals/WD-0/complete/", "settle a payout by hand"),
        ("/withdrawals/WD-0/fail/", "settle a payout by hand"),
        ("/withdrawals/WD-0/take-over/", "take over what a colleague is deciding"),
        ("/withdrawals/decisions/7/agree/", "agree to what a colleague proposes"),
        (PAUSE, "pause or resume payouts"),
        ("/me/security/passkeys/7/remove/", "remove a passkey"),
        ("/withdrawals/WD-0/approve/", None),
        ("/withdrawals/WD-0/note/", None),
        ("/me/profile/", None),
    ],
)
def test_which_acts_are_meant(path: str, words: str | None) -> None:
    act = act_of(resolve(path), "POST", {})
    assert (act.words if act else None) == words
    assert act_of(resolve(path), "GET", {}) is None


def test_a_fresh_proof_is_enough(finance: User, client_for: ClientFor) -> None:
    assert client_for(finance).post(PAUSE, TYPED).status_code == 302
    assert "volta" in routing.paused()


def test_without_one_nothing_is_done_and_what_was_typed_is_kept(stale: Client) -> None:
    asked = stale.post(PAUSE, TYPED)
    assert asked.status_code == 401
    assert "You are about to pause or resume payouts." in asked.text
    assert (
        '<textarea name="reason" hidden>\nSlow since this morning,\nthey look &lt;into&gt; it.</textarea>' in asked.text
    )
    assert not routing.paused() and stale.get("/transactions/").status_code == 200

    wrong = stale.post(PAUSE, {**TYPED, "proof-password": "wrong"})
    assert wrong.status_code == 401 and "This is not your password." in wrong.text
    assert "they look &lt;into&gt; it." in wrong.text and not routing.paused()

    key = stale.cookies["sid"].value
    assert stale.post(PAUSE, {**TYPED, "proof-password": "a password"}).status_code == 302
    assert "volta" in routing.paused()
    assert stale.cookies["sid"].value != key
    assert proofs() == ["password"] and AuditEntry.objects.filter(action="proof_failed").count() == 1
    # For the next quarter of an hour it counts.
    assert stale.post("/providers/volta/resume/", TYPED).status_code == 302


def test_whoever_has_a_second_factor_gives_it(stale: Client, finance: User, give_app: Any, _noon: Any) -> None:
    give_app(finance)
    assert "proof-password" not in stale.post(PAUSE, TYPED).text
    assert stale.post(PAUSE, {**TYPED, "proof-password": "a password"}).status_code == 401
    assert not routing.paused()
    now = NOW + timedelta(minutes=16)
    assert stale.post(PAUSE, {**TYPED, "proof-code": shown(now)}).status_code == 302
    assert proofs() == ["code"]


def test_guesses_come_to_a_pause(stale: Client) -> None:
    for _ in range(MOST_FAILURES):
        assert stale.post(PAUSE, {**TYPED, "proof-password": "wrong"}).status_code == 401
    refused = stale.post(PAUSE, {**TYPED, "proof-password": "a password"})
    assert refused.status_code == 429 and "Try again in 15 minutes." in refused.text
    assert not routing.paused()


def test_a_form_without_its_token_proves_nothing(finance: User, _noon: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(finance)
    _noon.shift(timedelta(minutes=15))
    assert client.post(PAUSE, {**TYPED, "proof-password": "a password"}).status_code == 403
    assert not proofs()


def test_a_file_of_people_asks_too_and_then_begins(stale: Client) -> None:
    address = "/transactions/?view=this-month&export=csv"
    asked = stale.get(address)
    assert asked.status_code == 401 and "download personal data" in asked.text
    sent = {"next": address, "file": "1", "words": "download personal data"}
    assert stale.post("/me/confirm/", {**sent, "proof-password": "wrong"}).status_code == 401
    begun = stale.post("/me/confirm/", {**sent, "proof-password": "a password"})
    assert begun.status_code == 200
    assert 'content="0; url=/transactions/?view=this-month&amp;export=csv"' in begun.text
    assert stale.get(address)["Content-Type"].startswith("text/csv")


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_a_proof_leads_to_pages_of_ours(stale: Client, to: str) -> None:
    assert stale.post("/me/confirm/", {"next": to, "proof-password": "a password"})["Location"] == "/"


def test_a_script_learns_before_it_sends(stale: Client, finance: User) -> None:
    ask = f"/me/session/?me={finance.pk}&act={PAUSE}"
    asked = stale.get(ask)
    assert asked.status_code == 401 and 'action="/me/confirm/"' in asked.text
    assert stale.get(f"/me/session/?act={PAUSE}nowhere/x/").status_code == 204
    proved = stale.post("/me/confirm/", {"next": ask, "proof-password": "a password"}, follow=True)
    assert proved.status_code == 204


def test_who_may_not_do_it_is_still_refused(operator: User, client_for: ClientFor, _noon: Any) -> None:
    client = client_for(operator)
    _noon.shift(timedelta(minutes=15))
    assert client.post(PAUSE, {**TYPED, "proof-password": "a password"}).status_code == 403
    assert not routing.paused()
