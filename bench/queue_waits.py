"""C5. What people wait for, each time at another address: the 95th percentile beside what is allowed."""

import re
import time
import uuid
from collections.abc import Callable, Sequence
from html import unescape
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlencode

from bench.blocks import report
from bench.board import milliseconds, page, statements_of

PERCENTILE_OF = 60
# Of a file: rows per second at least, and its first bytes within.
EXPORT_ROWS, FIRST_BYTE_MS = 20_000, 1000


def report_waits(client: Any) -> None:
    """Ask for everything as often as a percentile wants."""
    from withdrawals.models import Withdrawal

    waiting = list(Withdrawal.objects.filter(state="under_review").order_by("-pk").values_list("ref", flat=True)[:500])
    names = list(Withdrawal.objects.order_by("-pk").values_list("player__name", flat=True)[:PERCENTILE_OF])
    pages = {
        "list": (200, ["/withdrawals/", "/withdrawals/?view=all"] * (PERCENTILE_OF // 2)),
        "decision page": (250, [f"/withdrawals/{ref}/?view=needs-decision" for ref in waiting[-PERCENTILE_OF:]]),
        "go, a reference": (120, [f"/go/?{urlencode({'q': ref})}" for ref in waiting[:PERCENTILE_OF]]),
        "go, a name": (120, [f"/go/?{urlencode({'q': name})}" for name in names]),
        "palette, a name": (120, [f"/go/found/?{urlencode({'q': name})}" for name in names]),
        "next": (150, ["/withdrawals/next/?view=needs-decision"] * PERCENTILE_OF),
        "poll of a list, nothing new": (60, [poll_address(client)] * PERCENTILE_OF),
        "poll of the menu": (60, ["/menu/"] * PERCENTILE_OF),
    }
    for words, (allowed, addresses) in pages.items():
        report_wait(words, [page(client, address) for address in addresses], allowed=allowed)


def report_wait(words: str, acts: Sequence[Callable[[], Any]], *, allowed: int) -> None:
    acts[0]()
    taken = [milliseconds(act) for act in acts[1:]]
    statements = statements_of(acts[-1])[0]
    report_taken(words, taken, allowed=allowed, statements=statements)


def report_taken(words: str, taken: list[float], *, allowed: int, **more: Any) -> None:
    high, middle = quantiles(taken, n=20)[-1], median(taken)
    figures = {"p95_ms": round(high, 1), "median_ms": round(middle, 1), **more}
    report(
        f"C5 {words}: p95 beside the {allowed} ms allowed", ratio=high / allowed, target=1.0, at_most=True, **figures
    )


def poll_address(client: Any) -> str:
    html = client.get("/withdrawals/").content.decode()
    found = re.search(r'id="live" hx-get="([^"]+)"', html)
    assert found is not None
    return f"/withdrawals/{unescape(found[1])}"


def report_decisions(client: Any) -> None:
    """Hold one after the other as the page would, from the press of the key to the next page; then take it all back."""
    from withdrawals.models import Decision, Withdrawal

    subjects = list(Withdrawal.objects.filter(state="under_review", claim=None).order_by("pk")[: PERCENTILE_OF + 1])
    posts, wholes = [], []
    for one in subjects:
        fields = {"version": one.version, "token": uuid.uuid4().hex, "reason": "waiting_player", "wake": "tomorrow"}
        start = time.perf_counter()
        answer = client.post(f"/withdrawals/{one.ref}/hold/?view=needs-decision", fields)
        posted = time.perf_counter()
        assert answer.status_code in (302, 303), (answer.status_code, answer.content[:500])
        following = client.get(answer["Location"], follow=True)
        assert following.status_code == 200, answer["Location"]
        posts.append((posted - start) * 1000)
        wholes.append((time.perf_counter() - start) * 1000)
    Decision.objects.filter(withdrawal__in=subjects, status="waiting").delete()
    report_taken("a decision", posts[1:], allowed=150)
    report_taken("from a decision to the next page", wholes[1:], allowed=600)


def report_export(client: Any) -> None:
    """As many rows as there are in a file: how fast, and how soon it begins."""
    start = time.perf_counter()
    answer = client.get("/transactions/?view=all&export=csv")
    lines = iter(answer.streaming_content)
    next(lines)
    first = (time.perf_counter() - start) * 1000
    rows = sum(part.count(b"\n") for part in lines)
    speed = rows / (time.perf_counter() - start)
    report("C5 rows of a file per second", ratio=speed / EXPORT_ROWS, target=1.0, rows=rows, per_second=round(speed))
    report("C5 first bytes of a file", ratio=first / FIRST_BYTE_MS, target=1.0, at_most=True, ms=round(first))
