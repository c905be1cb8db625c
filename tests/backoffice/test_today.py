"""The first page of every role: each number leads to exactly so many rows; one block that fails leaves the others."""

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from backoffice.accounts.models import User
from backoffice.jobs import operations as jobs
from backoffice.jobs.models import Job
from backoffice.roles import ROLES
from kyc.models import Player
from providers import routing
from providers.models import CallOutcome, ProviderCall, Verb
from tests.factories.kyc import PlayerFactory, VerificationFactory
from tests.factories.withdrawals import make_finding, make_withdrawal
from tests.menu import beside
from withdrawals.models import Decision, Withdrawal
from withdrawals.operations import claims
from withdrawals.states import Move, State

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]


@pytest.fixture
def busy_house(operator: User, senior: User) -> None:
    """Something of everything that the first page counts."""
    now = timezone.now()
    for minutes in (5, 30, 200, 260):
        make_withdrawal(State.UNDER_REVIEW, now=now - timedelta(minutes=minutes))
    mine = make_withdrawal(State.UNDER_REVIEW, now=now - timedelta(minutes=40))
    claims.claim(mine, user=operator, now=now)
    make_withdrawal(State.SECOND_APPROVAL, now=now - timedelta(minutes=50), by=operator)
    for score in (40, 71):
        level = "medium" if score < 60 else "high"
        make_withdrawal(State.UNDER_REVIEW, now=now - timedelta(minutes=9), risk=(score, level), is_flagged=True)
    for _ in range(3):
        make_withdrawal(State.COMPLETED, now=now - timedelta(minutes=3), by=operator, amount=45_000)
    make_withdrawal(State.COMPLETED, now=now - timedelta(minutes=3), by=operator, amount=720_000, currency="SEK")
    Withdrawal.objects.filter(state=State.COMPLETED).update(closed_at=now - timedelta(seconds=18))
    make_withdrawal(State.FAILED, now=now - timedelta(minutes=2), by=operator)
    make_withdrawal(State.REJECTED, now=now - timedelta(minutes=2))
    make_withdrawal(State.OUTCOME_UNKNOWN, now=now - timedelta(minutes=2), by=operator)
    make_finding(at=now)
    Decision.objects.create(
        withdrawal=mine, move=Move.APPROVE, actor=operator, key="k", version=mine.version, decided_at=now,
        effective_at=now, status=Decision.Status.APPLIED,
    )  # fmt: skip
    today = timezone.localdate()
    for days, state in ((3, "verified"), (20, "verified"), (-1, "verified"), (None, "pending"), (None, "rejected")):
        expires = None if days is None else today + timedelta(days=days)
        VerificationFactory(player=PlayerFactory(), state=state, expires_on=expires)


def numbers(html: str) -> list[tuple[str, int]]:
    """The linked numbers of the lines: address and count."""
    section = html.partition('id="today-lines"')[2].partition("</section>")[0]
    found = re.findall(r'<a class="num"[^>]*href="([^"]+)">\s*([\d,]+)', section)
    return [(unescape(address), int(count.replace(",", ""))) for address, count in found]


@pytest.mark.parametrize("role", ROLES)
def test_each_number_opens_a_list_with_exactly_so_many_rows(
    role: str, busy_house: None, make_staff: Any, client_for: SignIn, operator: User
) -> None:
    client = client_for(operator if role == "Operator" else make_staff(role))
    page = client.get("/")
    assert page.status_code == 200
    found = numbers(page.text)
    for address, count in found:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert not [one.text for one in answer.context["notices"] if "Left out" in one.text], address
        assert answer.context["page"].total == count, address
    assert len(found) >= {"Operator": 8, "Senior": 8, "Fraud": 4, "Finance": 5, "Compliance": 6}.get(role, 0)


FIRST = {
    "Operator": "withdrawals are on time.",
    "Senior": "Start with the late ones",
    "Fraud": "withdrawals are flagged",
    "Support": "Looked up last",
    "Finance": "has an unknown outcome",
    "Compliance": "ends within 7 d",
    "Administrator": "The platform has not heard from us",
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_begins_with_its_own_line(role: str, busy_house: None, make_staff: Any, client_for: SignIn) -> None:
    page = client_for(make_staff(role)).get("/").text
    assert FIRST[role] in page
    assert all(
        words not in page
        for name, words in FIRST.items()
        if name not in (role, "Operator", "Senior") and role not in ("Operator", "Senior")
    )


def test_nothing_yet(client_for: SignIn, operator: User) -> None:
    page = client_for(operator).get("/").text
    assert "No withdrawals yet. The queue fills as players ask." in page
    assert "Nothing waits for you." in page and "Nothing was decided or paid yet." in page
    assert "Nothing was closed in 14 days" in page


def test_sums_never_mix_currencies(busy_house: None, client_for: SignIn, finance: User) -> None:
    page = re.sub(r"<[^>]+>", "", client_for(finance).get("/").text)
    assert "€1,350.00" in page and "SEK 7,200.00" in page


def test_support_gets_the_field_and_its_own_look_ups_and_no_figures(
    busy_house: None, client_for: SignIn, support: User
) -> None:
    client = client_for(support)
    player = Player.objects.order_by("pk").first()
    assert player is not None
    client.get("/players/", {"q": player.ref})
    page = client.get("/").text
    assert 'action="/players/"' in page and f'href="/players/?q={player.ref}"' in page
    assert "<figure" not in page and "Today so far" not in page
    assert client.get("/today/closed-per-day.csv").status_code == 403


def test_a_block_that_fails_leaves_the_others(
    busy_house: None, client_for: SignIn, operator: User, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE providers_providercontrol RENAME COLUMN reason TO gone")
    page = client_for(operator).get("/").text
    assert "Could not load the providers" in page and "Could not load the providers of Today" in caplog.text
    assert "Needs you" in page and "are late," in page and "<figure" in page


def test_the_lines_are_live(busy_house: None, client_for: SignIn, operator: User) -> None:
    client = client_for(operator)
    page = client.get("/").text
    asked = re.search(r'hx-get="(/today/lines/\?version=\w+)"', page)
    assert asked
    assert client.get(asked[1]).status_code == 204
    make_withdrawal(State.UNDER_REVIEW, now=timezone.now() - timedelta(minutes=300))
    changed = client.get(asked[1])
    assert changed.status_code == 200 and asked[1] not in changed.text and "<html" not in changed.text


def test_the_menu_is_live_in_two_statements(
    busy_house: None, client_for: SignIn, operator: User, django_assert_num_queries: Any
) -> None:
    client = client_for(operator)
    first = client.get("/menu/")
    assert 'id="n-withdrawals" hx-swap-oob="true">8<' in first.text
    assert beside(first, "in-flight") == "1 unknown"
    assert "Decided today 1" in first.text
    version = re.search(r"version=(\w+)", first.text)
    assert version
    # The session, the person with their rights; then the counts.
    with django_assert_num_queries(3):
        assert client.get(f"/menu/?version={version[1]}").status_code == 204


def test_a_page_begins_with_what_the_menu_would_answer(busy_house: None, client_for: SignIn, operator: User) -> None:
    client = client_for(operator)
    page = client.get("/").text
    asked = re.search(r'hx-get="(/menu/\?version=\w+)" hx-trigger="every 30s, seen from:body"', page)
    assert asked and client.get(asked[1]).status_code == 204


def test_the_foot_counts_what_of_ones_own_still_runs(client_for: SignIn, operator: User, senior: User) -> None:
    _start_job(operator)
    assert "Decided today 0 · 1 job running" in client_for(operator).get("/").text
    answer = client_for(operator).get("/menu/").text
    assert "1 job running" in answer and "every 5s" in answer
    assert "running" not in client_for(senior).get("/").text


@pytest.mark.parametrize("address", ["/", "/menu/"])
def test_the_end_of_ones_own_job_is_told_once(client_for: SignIn, operator: User, senior: User, address: str) -> None:
    job = _start_job(operator, "1", "a", "b")
    jobs.work_off("bulk_approve", lambda item: "" if item.subject == "a" else "Not this one.", clock=timezone.now)
    assert "data-toast" not in client_for(senior).get(address).text
    told = client_for(operator).get(address).text
    link = f'<a href="/withdrawals/bulk/{job.pk}/">Approve 2 payouts</a>: 1 done, 1 left out'
    assert told.count(link) == 1 and "tone-attn" in told
    assert link not in client_for(operator).get("/").text + client_for(operator).get("/menu/").text


def test_who_saw_the_end_is_not_told_of_it(client_for: SignIn, operator: User) -> None:
    client, seen, stopped = client_for(operator), _start_job(operator), _start_job(operator, "2", "a", "b")
    assert jobs.cancel(stopped, actor=operator, now=timezone.now()) == 2
    jobs.work_off("bulk_approve", lambda item: "", clock=timezone.now)
    assert "data-toast" not in client.get(f"/withdrawals/bulk/{seen.pk}/").text
    assert "data-toast" not in client.get("/").text


def _start_job(owner: User, token: str = "1", *subjects: str) -> Job:
    items: dict[str, dict[str, Any]] = {name: {} for name in subjects}
    job, _new = jobs.start(
        "bulk_approve", items, title="Approve 2 payouts", token=token, owner=owner, now=timezone.now()
    )
    return job


def test_the_menu_says_how_the_worst_provider_is(client_for: SignIn, finance: User) -> None:
    client, now = client_for(finance), timezone.now()
    assert beside(client.get("/menu/"), "providers") == ""
    for _ in range(6):
        ProviderCall.objects.create(
            provider="northgate", verb=Verb.CREATE, outcome=CallOutcome.UNKNOWN, latency_ms=9, at=now
        )
    assert beside(client.get("/menu/"), "providers") == "failing"
    assert beside(client.get("/"), "providers") == "failing"


def test_a_slow_provider_shows_in_the_menu_and_since_when_on_the_first_page(
    client_for: SignIn, operator: User, admin: User
) -> None:
    client, now = client_for(operator), timezone.now()
    ProviderCall.objects.create(provider="volta", verb=Verb.CREATE, outcome="answered", latency_ms=4000, at=now)
    page = client.get("/")
    assert beside(page, "providers") == "slow"
    assert re.search(r"Volta slow since <time [^>]+>\d\d:\d\d</time>", page.text)
    routing.pause("volta", actor=admin, reason="Their advice", now=now)
    page = client.get("/")
    assert beside(page, "providers") == "paused"
    assert f'Volta paused since <time datetime="{now.isoformat()}"' in page.text


def test_a_page_arrives_with_what_its_menu_warns_of(client_for: SignIn, finance: User) -> None:
    routing.pause("northgate", actor=finance, reason="Slow since this morning", now=timezone.now())
    assert beside(client_for(finance).get("/"), "providers") == "paused"


def test_support_is_told_no_number_that_its_list_does_not_show(
    client_for: SignIn, support: User, operator: User
) -> None:
    make_withdrawal(State.UNDER_REVIEW)
    assert beside(client_for(operator).get("/"), "withdrawals") == "1"
    assert beside(client_for(support).get("/"), "withdrawals") == ""


def test_today_comes_first_in_every_menu(make_staff: Any, client_for: SignIn) -> None:
    for role in ROLES:
        page = client_for(make_staff(role)).get("/").text
        menu = page.partition('class="nav-items"')[2]
        assert re.search(r'<a href="/" aria-current="page"', menu[:200]), role


def test_a_part_of_a_page_counts_nothing_for_the_menu(client_for: SignIn, operator: User) -> None:
    client = client_for(operator)
    assert "nav-items" not in client.get("/withdrawals/", headers={"HX-Request": "true"}).text


# Charts: picture, table and file say the same ----------------------------------------------------------------


def figures_of(html: str) -> list[str]:
    return re.findall(r"<figure.*?</figure>", html, re.S)


def table_of(figure: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", figure, re.S)
    return [[unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def test_chart_table_and_file_are_equal(busy_house: None, client_for: SignIn, finance: User) -> None:
    client = client_for(finance)
    page = client.get("/").text
    charts = figures_of(page)
    assert len(charts) == 2
    for figure in charts:
        heads, *rows = table_of(figure)
        told = sorted(float(cell) for row in rows for cell in row[1:] if cell not in ("no data", "0"))
        drawn = sorted(float(value) for value in re.findall(r'data-value="([\d.]+)"', figure) if float(value))
        assert drawn == told and told
        assert re.search(r'<svg[^>]*role="img" aria-label="[^"]{40,}"', figure)
        address = re.search(r'href="(/today/[^"]+\.csv)"', figure)
        assert address
        file = b"".join(client.get(address[1]).streaming_content).decode()  # type: ignore[attr-defined]
        lines = list(csv.reader(file.splitlines()))
        assert lines == [heads, *[[cell if cell != "no data" else "" for cell in row] for row in rows]]


def test_days_before_the_first_one_are_a_gap_and_no_zero(busy_house: None, client_for: SignIn, finance: User) -> None:
    figure = figures_of(client_for(finance).get("/").text)[0]
    _heads, *rows = table_of(figure)
    assert [row[1:] for row in rows[:-1]] == [["no data"] * 3] * 13
    assert rows[-1][1:] == ["4", "1", "1"]
    assert "A gap is missing data: 13 of 14." in figure


def test_an_unknown_chart_is_not_there(client_for: SignIn, finance: User) -> None:
    assert client_for(finance).get("/today/else.csv").status_code == 404


def test_signing_in_leads_where_the_work_begins(make_staff: Any, client_for: SignIn) -> None:
    lands = {"Operator": "/withdrawals/", "Senior": "/withdrawals/", "Fraud": "/flagged/", "Support": "/players/"}
    for role in ROLES:
        assert client_for(make_staff(role)).get("/start/").headers["Location"] == lands.get(role, "/")


def test_the_page_reads_only(busy_house: None, client_for: SignIn, operator: User) -> None:
    before = list(Withdrawal.objects.order_by("pk").values())
    client_for(operator).get("/")
    assert list(Withdrawal.objects.order_by("pk").values()) == before
