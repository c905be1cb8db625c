"""What every status means: one table, made of the states themselves."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from withdrawals import player_words, visibility
from withdrawals.states import LOOKS, HoldKind, State


def statuses(request: HttpRequest) -> HttpResponse:
    """Explain the statuses that this reader meets, in the order of a withdrawal's life."""
    user: Any = request.user
    met = {visibility.state_for(user, state, kind) for state in State for kind in HoldKind}
    rows = [(LOOKS[state], player_words.in_general(state)) for state in State if state in met]
    return render(request, "help/statuses.html", {"rows": rows})
