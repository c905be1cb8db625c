"""Components render through the loaders of the settings, see only their parameters and escape them."""

from django.template import engines
from django.test import RequestFactory
from django_cotton.compiler_regex import CottonCompiler

HOSTILE = '"><script>alert(1)</script>'


def render(source: str, **context: object) -> str:
    template = engines["django"].from_string(CottonCompiler().process(source))
    request = RequestFactory().get("/")
    return template.render(context, request)


def test_button_is_a_button_or_a_link() -> None:
    button = render('<c-button kind="primary" key="a" name="move" value="approve">Approve</c-button>')
    assert '<button type="submit" name="move" value="approve" class="btn btn-primary"' in button
    assert 'data-key="a" aria-keyshortcuts="A"' in button
    link = render('<c-button href="/next/" icon="x" label="Next"></c-button>')
    assert '<a href="/next/" class="btn btn-icon" aria-label="Next">' in link


def test_parameters_of_the_page_do_not_leak_in() -> None:
    html = render("<c-button>Save</c-button>", href="/elsewhere/", kind="danger")
    assert html.startswith("<button") and "btn-danger" not in html


def test_parameters_and_slots_are_escaped() -> None:
    for source in (
        "<c-button href='{{ x }}' key='{{ x }}'>{{ x }}</c-button>",
        '<c-button :href="x" :label="x"></c-button>',
        '<c-notice tone="info">{{ x }}</c-notice>',
        '<c-chip :label="x" :value="x" :remove_url="x" />',
        '<c-panel :title="x">{{ x }}</c-panel>',
        '<c-empty :title="x">{{ x }}</c-empty>',
        '<c-signals :items="items" :summary="x" />',
        '<c-decision-sheet :name="x" :url="x" :question="x" :verb="x" :reasons="pairs" />',
    ):
        items = [{"level": "note", "title": HOSTILE, "text": HOSTILE}]
        assert "<script" not in render(source, x=HOSTILE, items=items, pairs=[(HOSTILE, HOSTILE)]), source


def test_a_fact_without_a_value_leaves_its_row_out() -> None:
    html = render('<c-facts><c-fact label="Seen">today</c-fact><c-fact label="Note">{{ nothing }}</c-fact></c-facts>')
    assert "<dt>Seen</dt><dd>today</dd>" in html
    assert "Note" not in html


def test_a_statement_signs_its_lines_and_rules_off_its_totals() -> None:
    lines = [
        {"label": "Deposits", "amount": 40000, "signed": True},
        {"label": "This payout", "amount": -245000, "signed": True},
        {"label": "Left", "amount": 67740, "total": True},
    ]
    html = render('<c-statement :lines="lines" currency="EUR" />', lines=lines)
    assert "+ €400.00" in html and "− €2,450.00" in html
    assert '<dd class="total"><span class="money">€677.40</span></dd>' in html


def test_a_sheet_preselects_nothing_and_is_off_until_it_is_opened() -> None:
    html = render(
        '<c-decision-sheet name="reject" url="/r/" question="Why?" :reasons="r" verb="Reject" />',
        r=[("a", "A")],
    )
    assert "disabled hidden" in html and "checked" not in html and 'formaction="/r/"' in html


def test_usage_bars_name_what_is_over() -> None:
    bar = {
        "label": "Player, today",
        "of": "€5.00",
        "cap": 500,
        "before": 400,
        "this": 245,
        "rest": "€1.45 over",
        "tone": "danger",
    }
    html = render('<c-usage-bars :bars="bars" />', bars=[bar])
    assert 'width="80.00%"' in html and "€1.45 over" in html and "tone-danger" in html
