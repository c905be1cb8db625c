"""Print docs/lifecycle.md's generated part: the diagram and the table of moves, from the declarations."""

from typing import Any

from django.core.management.base import BaseCommand

from withdrawals.models import Withdrawal
from withdrawals.states import LOOKS, MOVE_LOOKS, Move, State


class Command(BaseCommand):
    help = "Print the diagram and the table of moves, generated from the declarations."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(render())


def render() -> str:
    """Return the generated part of docs/lifecycle.md."""
    return "\n".join([*_diagram(), "", *_states(), "", *_moves()])


def _sources(move: Move) -> list[str]:
    declared = getattr(Withdrawal, move)._django_fsm.transitions
    return [state for state in State if state in declared]


def _target(move: Move) -> str:
    return str(next(iter(getattr(Withdrawal, move)._django_fsm.transitions.values())).target)


def _diagram() -> list[str]:
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> requested: open"]
    for move in Move:
        if move != Move.OPEN:
            lines += [f"    {source} --> {_target(move)}: {move}" for source in _sources(move)]
    return [*lines, "```"]


def _states() -> list[str]:
    lines = ["| state | word | meaning |", "|---|---|---|"]
    return [*lines, *(f"| `{state}` | {LOOKS[state].label} | {LOOKS[state].help} |" for state in State)]


def _moves() -> list[str]:
    lines = ["| move | from | to | reason |", "|---|---|---|---|", "| `open` | – | `requested` | |"]
    for move in Move:
        if move == Move.OPEN:
            continue
        sources = _sources(move)
        of_machines, of_staff = (Withdrawal.wants_reason(move, person=person) for person in (False, True))
        needed = "yes" if of_machines else "staff" if of_staff else ""
        froms = ", ".join(f"`{source}`" for source in sources)
        lines.append(f"| `{move}` ({MOVE_LOOKS[move].label}) | {froms} | `{_target(move)}` | {needed} |")
    return lines
