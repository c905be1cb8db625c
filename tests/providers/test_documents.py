"""What each adapter asks, and what the sandbox answers for its provider, held against the provider's documents."""

import json

import httpx
import pytest

from providers import contract, registry
from providers.adapters import adyen, hyperswitch, paypal, stripe
from tests.providers import documents
from tests.providers.contract import instruction_for, is_idempotent, known_as, repeated, verified

pytestmark = pytest.mark.skipif(not documents.FOLDER, reason="PROVIDER_SPECS names no folder of providers' documents")


@pytest.fixture(params=documents.DOCUMENTS)
def code(request) -> str:
    return request.param


@pytest.fixture
def judge(code) -> documents.Judge:
    return documents.Judge(code)


@pytest.fixture
def provider(sandbox, settings, judge, code):
    """The adapter as it is registered, with a judge between it and the sandbox."""
    registered = registry.BY_CODE[code]
    values = {name: value for name, value in settings.PROVIDERS[code].items() if name != "control_page"}
    return registered.adapter(code=code, capabilities=registered.capabilities, transport=judge, **values)


def methods(provider) -> list[tuple[str, str]]:
    """One currency of each method."""
    return [(method, next(iter(currencies))) for method, currencies in provider.capabilities.pays.items()]


def test_every_question_and_every_answer_is_as_documented(sandbox, provider, judge, code):
    for method, currency in methods(provider):
        payout = instruction_for(code, method=method, currency=currency)
        receipt = provider.create_payout(payout)
        if is_idempotent(code):
            assert repeated(provider, payout) == receipt.provider_reference
        payout = known_as(code, payout, receipt.provider_reference)
        assert isinstance(provider.probe(payout), contract.Found)
        sandbox.wait_for(payout.reference, "paid")
        provider.get_status(instruction_for(code, key=payout.key, provider_reference=receipt.provider_reference))
        assert provider.cancel(payout) is contract.CancelResult.TOO_LATE
    for story, end in ((911, "cancelled"), (912, "returned"), (913, "failed")):
        payout = instruction_for(code, 50_000 + story)
        payout = known_as(code, payout, provider.create_payout(payout).provider_reference)
        if story == 911:
            provider.cancel(payout)
        sandbox.wait_for(payout.reference, end)
        provider.get_status(payout)
    for story in (901, 902, 905, 907, 921):  # refused, and answered with errors
        with pytest.raises(contract.ProviderError):
            provider.create_payout(instruction_for(code, 50_000 + story))
    if provider.capabilities.balance:
        provider.balance()
    sandbox.faults(unauthorised=True)
    with pytest.raises(contract.Misconfigured):
        provider.get_status(payout)
    assert len(judge.judged) > 15
    assert judge.faults == []


def test_a_field_that_is_not_documented_is_a_fault(provider, judge, code, monkeypatch):
    payload = provider._payload

    def with_one_more(instruction):
        return json.dumps(json.loads(payload(instruction)) | {"amuont": 1}).encode()

    monkeypatch.setattr(provider, "_payload", with_one_more)
    with pytest.raises(contract.ProviderError):
        provider.create_payout(instruction_for(code))
    assert "amuont" in judge.faults[0]


@pytest.mark.parametrize("story", [0, 911, 912, 913, 914])
def test_the_webhooks_are_as_documented(sandbox, provider, code, story):
    payout = instruction_for(code, 50_000 + story)
    provider.create_payout(payout)
    sent = [] if story == 911 else sandbox.wait_until(lambda: sandbox.webhooks(payout.reference))
    if story in (912, 913, 914):
        sandbox.wait_until(lambda: len(sandbox.webhooks(payout.reference)) > 1)
        sent = sandbox.webhooks(payout.reference)
    for one in sent:
        (event,) = provider.parse_webhook(verified(provider, one))
        assert documents.fault_of_webhook(code, event.kind, one["body"].encode()) == ""


def test_hyperswitchs_statuses_are_its_own_and_all_of_them():
    read = json.loads((documents.Path(documents.FOLDER) / "hyperswitch/payouts-v1.json").read_text())
    assert set(hyperswitch.STATUSES) == set(read["components"]["schemas"]["PayoutStatus"]["enum"])


def examples_of_webhooks() -> list:
    if not documents.FOLDER:
        return []
    read = json.loads((documents.Path(documents.FOLDER) / documents.WEBHOOKS["adyen"]).read_text())
    return [pytest.param(one["value"], id=name[-40:]) for name, one in read["components"]["examples"].items()]


@pytest.mark.parametrize("body", examples_of_webhooks())
def test_adyens_own_examples_are_read(body):
    receipt = adyen._receipt(body["data"])
    assert receipt.provider_reference == body["data"]["id"]
    assert receipt.amount == body["data"]["amount"]["value"]


def test_adyens_statuses_are_its_own():
    read = json.loads((documents.Path(documents.FOLDER) / "adyen/transfers-v4.json").read_text())
    known = set(read["components"]["schemas"]["TransferData"]["properties"]["status"]["enum"])
    assert set(adyen.STATUSES) <= known


def test_paypals_statuses_are_its_own():
    read = json.loads((documents.Path(documents.FOLDER) / "paypal/payouts-batch-v1.json").read_text())
    schemas = read["components"]["schemas"]
    assert set(paypal.STATUSES) == set(schemas["transaction_enum"]["enum"])
    assert set(paypal.BATCH_STATUSES) == set(schemas["batch_enum"]["enum"])


def test_a_webhook_that_is_not_as_documented_is_a_fault():
    body = {"id": "WH-1", "resource": {"payout_item_id": "1", "transaction_status": "in_orbit"}}
    fault = documents.fault_of_webhook("paypal", "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", json.dumps(body).encode())
    assert "in_orbit" in fault and "payout_batch_id" in fault


def of_stripe() -> dict:
    return json.loads((documents.Path(documents.FOLDER) / documents.DOCUMENTS["stripe"]["/stripe/v2"][0]).read_text())


def test_stripes_statuses_are_all_that_it_has():
    schema = of_stripe()["components"]["schemas"]["v2.money_management.outbound_payment"]
    assert set(schema["properties"]["status"]["enum"]) == set(stripe.STATUSES)


def errors_of(operation: str, method: str) -> list[tuple[str | None, str]]:
    """The type, if the document tells one, and the code of every error of an operation; the general one left out."""
    read = of_stripe()
    listed = read["paths"][operation][method]["responses"]["default"]["content"]["application/json"]["schema"]["oneOf"]
    names = [one["$ref"].rpartition("/")[2] for one in listed if not one["$ref"].endswith("/v2.error")]
    found = [read["components"]["schemas"][name]["properties"]["error"]["properties"] for name in names]
    return [(one.get("type", {}).get("enum", [None])[0], one["code"]["enum"][0]) for one in found]


def classified(kind: str | None, code: str) -> contract.ProviderError:
    registered = registry.BY_CODE["stripe"]
    adapter = registered.adapter(
        code="stripe", capabilities=registered.capabilities, base_url="https://stripe.example", api_key="key",
        financial_account="fa_1", webhook_secrets=(),
    )  # fmt: skip
    error = {"code": code, "message": "words"} | ({"type": kind} if kind else {})
    return adapter.error(httpx.Response(400, json={"error": error}))


def test_every_error_of_stripes_create_is_classified_and_no_other():
    listed = errors_of("/v2/money_management/outbound_payments", "post")
    assert len(listed) == 46
    for kind, code in listed:
        assert kind in stripe.ERRORS or code in stripe.ERRORS
        (name,) = {kind, code} & stripe.ERRORS.keys()
        error = classified(kind, code)
        assert type(error) is stripe.ERRORS[name]
        if isinstance(error, contract.Declined):
            assert (error.code, error.for_provider_reasons) == (name, name in stripe.THEIR_REASONS)
    assert stripe.ERRORS.keys() <= {name for pair in listed for name in pair}


def test_stripes_refusals_of_a_cancellation_are_known():
    told = errors_of("/v2/money_management/outbound_payments/{id}/cancel", "post")
    assert {kind for kind, _code in told if kind} == stripe.TOO_LATE


def test_stripes_version_is_the_documents():
    assert of_stripe()["info"]["version"] == stripe.VERSION
