"""Calls are logged and kept out of transactions; webhooks are stored before anything else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from backoffice.audit.actors import PAYOUTS
from providers import gateway, routing
from providers.contract import Found, NotAccepted, NotSent, OutcomeUnknown, WebhookRejected
from providers.models import ProviderCall, WebhookDelivery
from tests.providers.contract import instruction_for

pytestmark = pytest.mark.django_db
CODE = "northgate"


def pay(now, amount=50_000):
    instruction = instruction_for(CODE, amount)
    return instruction, gateway.create_payout(CODE, instruction, now=now)


def sent_webhook(sandbox, now, amount=50_000):
    instruction, _ = pay(now, amount)
    return sandbox.wait_until(lambda: sandbox.webhooks(instruction.reference))[0]


def receive(sent, now, **changes):
    values = {"headers": sent["headers"], "body": sent["body"].encode()} | changes
    return gateway.receive_webhook(CODE, values["headers"], values["body"], now)


class TestCalls:
    def test_a_call_is_logged_with_its_time_and_without_personal_data(self, sandbox, now):
        instruction, receipt = pay(now)
        call = ProviderCall.objects.get()
        assert (call.provider, call.verb, call.key, call.at) == (CODE, "create", instruction.key, now)
        assert (call.method, call.path, call.status) == ("POST", "/v1/payouts", 201)
        assert (call.outcome, call.words) == ("answered", receipt.raw_status)
        values = [str(value) for value in ProviderCall.objects.values_list()[0]]
        assert not any("Ada" in value or "DE89" in value for value in values)

    def test_an_error_is_logged_and_raised(self, sandbox, now):
        sandbox.faults(create_unavailable=1)
        with pytest.raises(NotAccepted):
            pay(now)
        call = ProviderCall.objects.get()
        assert (call.status, call.outcome, call.words) == (503, "not_accepted", "answered 503: unavailable")

    def test_questions_are_logged_by_template(self, sandbox, now):
        instruction, receipt = pay(now)
        assert gateway.probe(CODE, instruction, now=now) == Found(receipt)
        gateway.balance(CODE, now=now)
        gateway.cancel(CODE, instruction, now=now)
        calls = ProviderCall.objects.order_by("pk").values_list("verb", "path")
        assert list(calls)[1:3] == [("probe", "/v1/payouts"), ("balance", "/v1/balance")]
        of_the_payout = calls.filter(key=instruction.key).values_list("verb", flat=True)
        assert list(of_the_payout) == ["create", "probe", "cancel"]

    def test_a_probe_that_cannot_tell_is_logged_as_unknown(self, sandbox, now):
        sandbox.faults(query_unavailable=1)
        gateway.probe(CODE, instruction_for(CODE), now=now)
        assert ProviderCall.objects.get().outcome == "unknown"

    def test_the_log_cannot_be_changed(self, sandbox, now):
        pay(now)
        with pytest.raises(InternalError), transaction.atomic():
            ProviderCall.objects.update(outcome="declined")
        with pytest.raises(InternalError), transaction.atomic():
            ProviderCall.objects.all().delete()

    @pytest.mark.parametrize("verb", ["create_payout", "get_status", "probe", "cancel"])
    def test_no_call_is_made_inside_a_transaction(self, sandbox, now, verb):
        instruction = instruction_for(CODE)
        with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
            getattr(gateway, verb)(CODE, instruction, now=now)
        assert sandbox.statement() == []

    @pytest.mark.parametrize("switch", [CODE, routing.EVERYTHING])
    def test_after_the_switch_nothing_leaves_but_questions(self, sandbox, now, switch):
        instruction, _ = pay(now)
        routing.pause(switch, actor=PAYOUTS, reason="drill", now=now)
        with pytest.raises(NotSent):
            pay(now)
        assert len(sandbox.statement()) == 1
        assert isinstance(gateway.probe(CODE, instruction, now=now), Found)

    def test_an_answer_about_another_payout_is_unknown(self, sandbox, now):
        first, _ = pay(now)
        # The provider answers for the key alone; somebody used it for another reference.
        stranger = instruction_for(CODE, key=first.key, reference="WD-OTHER")
        sandbox.faults(idempotency_off=True)
        assert gateway.create_payout(CODE, stranger, now=now).reference == "WD-OTHER"
        with pytest.raises(OutcomeUnknown):
            gateway.get_status(CODE, first, now=now)


class TestWebhooks:
    def test_a_good_one_is_stored_and_read_later(self, sandbox, now):
        sent = sent_webhook(sandbox, now)
        reception = receive(sent, now)
        assert (reception.http_status, reception.is_new) == (202, True)
        delivery = WebhookDelivery.objects.get()
        assert (delivery.event_id, delivery.verified, bytes(delivery.body)) == (
            sent["event_id"], True, sent["body"].encode(),
        )  # fmt: skip
        assert set(delivery.headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
        (event,) = gateway.read_events(delivery)
        assert event.receipt.status == "paid"

    @pytest.mark.parametrize("outcome", ["applied", "not ours", "unreadable"])
    def test_a_repeat_is_answered_as_the_first_time_whatever_came_of_it(self, sandbox, now, outcome):
        sent = sent_webhook(sandbox, now)
        first = receive(sent, now)
        gateway.mark_applied(first.delivery, outcome=outcome, now=now)
        again = receive(sent, now)
        assert (first.http_status, again.http_status, again.is_new) == (202, 202, False)
        assert WebhookDelivery.objects.count() == 1

    def test_the_answer_of_a_stored_one_cannot_be_changed(self, sandbox, now):
        delivery = receive(sent_webhook(sandbox, now), now).delivery
        with pytest.raises(InternalError), transaction.atomic():
            WebhookDelivery.objects.filter(pk=delivery.pk).update(http_status=200)

    @pytest.mark.parametrize("kind", ["bad_signature", "other_key", "stale", "reserialised"])
    def test_a_forgery_is_stored_as_refused(self, sandbox, now, kind):
        instruction, _ = pay(now, 50_910)
        sandbox.act(instruction.reference, "forge", kind=kind)
        reception = receive(sandbox.webhooks(instruction.reference)[0], now)
        assert (reception.http_status, reception.is_new) == (401, False)
        delivery = WebhookDelivery.objects.get()
        assert not delivery.verified
        assert delivery.verdict
        with pytest.raises(WebhookRejected):
            gateway.read_events(delivery)

    def test_a_forgery_does_not_take_the_place_of_the_event_it_names(self, sandbox, now):
        sent = sent_webhook(sandbox, now)
        forged = sent["headers"] | {"webhook-signature": "v1,AAAA"}
        assert receive(sent, now, headers=forged).http_status == 401
        assert receive(sent, now, headers=forged).http_status == 401
        assert WebhookDelivery.objects.count() == 1
        assert receive(sent, now).is_new

    def test_the_signature_of_one_provider_does_not_open_another(self, sandbox, now):
        sent = sent_webhook(sandbox, now)
        reception = gateway.receive_webhook("volta", sent["headers"], sent["body"].encode(), now)
        with pytest.raises(WebhookRejected):  # one key signs for both accounts; the body names one
            gateway.read_events(reception.delivery)

    def test_headers_are_found_whatever_their_case_and_doubled_ones_are_refused(self, sandbox, now):
        sent = sent_webhook(sandbox, now)
        pairs = [(name.upper(), value) for name, value in sent["headers"].items()]
        doubled = [*pairs, ("Webhook-Id", sent["event_id"])]
        assert receive(sent, now, headers=doubled).http_status == 401
        assert receive(sent, now, headers=pairs).is_new

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"webhook-id": "\x00", "webhook-timestamp": "\udcff", "webhook-signature": "é" * 5000},
            {"webhook-id": "a" * 100_000},
        ],
    )
    @pytest.mark.parametrize("body", [b"", b"\x00\xff", b"{" * 1000])
    def test_rubbish_is_refused_without_an_error(self, now, headers, body):
        assert gateway.receive_webhook(CODE, headers, body, now).http_status == 401

    def test_a_body_over_the_limit_is_refused_and_not_kept_whole(self, now):
        body = b"x" * (gateway.MAX_WEBHOOK_BYTES + 1)
        assert gateway.receive_webhook(CODE, {}, body, now).http_status == 413
        assert len(WebhookDelivery.objects.get().body) == gateway.REFUSED_KEPT_BYTES

    def test_only_refused_ones_are_forgotten_and_only_when_they_are_old(self, sandbox, now):
        genuine = receive(sent_webhook(sandbox, now), now).delivery
        young = gateway.receive_webhook(CODE, {}, b"young", now + timedelta(days=1)).delivery
        gateway.receive_webhook(CODE, {}, b"old", now)

        assert gateway.forget_refused(now=now + gateway.REFUSED_KEPT_TIME + timedelta(seconds=1)) == 1
        assert set(WebhookDelivery.objects.values_list("pk", flat=True)) == {genuine.pk, young.pk}
        assert gateway.REFUSED_KEPT_BYTES <= 4096

    def test_nobody_has_a_webhook_address_but_registered_providers(self, now):
        reception = gateway.receive_webhook("nobody", {}, b"{}", now)
        assert (reception.http_status, reception.delivery) == (404, None)
        assert not WebhookDelivery.objects.exists()

    def test_what_came_cannot_be_changed_and_refused_ones_cannot_be_applied(self, sandbox, now):
        delivery = receive(sent_webhook(sandbox, now), now).delivery
        with pytest.raises(InternalError), transaction.atomic():
            WebhookDelivery.objects.filter(pk=delivery.pk).update(body=b"{}")
        with pytest.raises(InternalError), transaction.atomic():
            delivery.delete()
        refused = gateway.receive_webhook(CODE, {}, b"{}", now).delivery
        with pytest.raises(IntegrityError), transaction.atomic():
            gateway.mark_applied(refused, outcome="applied", now=now)

    def test_deliveries_are_due_until_they_are_applied(self, sandbox, now):
        delivery = receive(sent_webhook(sandbox, now), now).delivery
        receive({"headers": {}, "body": "{}"}, now)
        assert gateway.due_deliveries(now=now, most=10) == [delivery.pk]
        gateway.postpone_delivery(delivery.pk, until=now + timedelta(seconds=60))
        assert gateway.due_deliveries(now=now, most=10) == []
        assert gateway.due_deliveries(now=now + timedelta(seconds=60), most=10) == [delivery.pk]
        gateway.mark_applied(gateway.take_delivery(delivery.pk), outcome="applied", now=now)
        assert gateway.take_delivery(delivery.pk) is None


@pytest.mark.django_db(transaction=True)
def test_the_same_webhook_five_times_at_once_is_stored_once(sandbox, now):
    sent = sent_webhook(sandbox, now)

    def deliver(_):
        try:
            return receive(sent, now)
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        receptions = list(pool.map(deliver, range(5)))
    assert [reception.http_status for reception in receptions] == [202] * 5
    assert [reception.is_new for reception in receptions].count(True) == 1
