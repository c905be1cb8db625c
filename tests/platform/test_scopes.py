"""Every operation needs one scope, and a key without it is refused."""

from typing import Any

import pytest

from backoffice.platform.api import api as platform_api
from backoffice.platform.models import Scope
from backoffice.platform.signing import Signature
from kyc.models import Player
from tests.platform.conftest import Signed, make_client, problem
from withdrawals.models import Withdrawal

pytestmark = pytest.mark.django_db

NEEDED = {
    "put_player": Scope.EVENTS,
    "post_deposits": Scope.EVENTS,
    "post_plays": Scope.EVENTS,
    "post_logins": Scope.EVENTS,
    "put_destination": Scope.WITHDRAWALS,
    "post_withdrawal": Scope.WITHDRAWALS,
    "cancel_withdrawal": Scope.WITHDRAWALS,
    "resend_notification": Scope.WITHDRAWALS,
    "get_balance": Scope.READ,
    "list_withdrawals": Scope.READ,
    "get_withdrawal": Scope.READ,
    "list_notifications": Scope.READ,
}


def test_every_operation_has_its_scope() -> None:
    found = {}
    for router in platform_api._get_bound_routers():
        for view in router.path_operations.values():
            for operation in view.operations:
                (callback,) = operation.auth_callbacks
                assert isinstance(callback, Signature)
                found[operation.view_func.__name__] = callback.scope
    assert found == NEEDED


@pytest.mark.parametrize(
    ("method", "path", "body", "scope"),
    [
        ("GET", "/api/v1/players/p-1/balance", None, "read"),
        ("PUT", "/api/v1/players/p-1", {"name": "Ana"}, "events"),
        ("POST", "/api/v1/withdrawals", {}, "withdrawals"),
    ],
)
def test_a_key_without_the_scope_is_refused(player: Player, method: str, path: str, body: Any, scope: str) -> None:
    key = Signed(make_client("narrow", scopes=[one for one in Scope.values if one != scope]))
    response = key(method, path, body)
    assert problem(response) == (403, "out_of_scope", "")
    assert f"scope {scope}" in response.json()["detail"]


def test_a_key_for_events_takes_no_money_out(player: Player, destination: str) -> None:
    events = Signed(make_client("events", scopes=["events"]))
    assert events("PUT", "/api/v1/players/p-1", {"name": "Ana"}).status_code == 200
    assert events.withdraw("p-1").status_code == 403
    assert not Withdrawal.objects.exists()
