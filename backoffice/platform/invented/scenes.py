"""What stands on the screens of the demonstration, as one table: who asks for what, why it is special, and
what became of it. Everybody has an unremarkable past besides.
"""

from dataclasses import dataclass
from datetime import timedelta

from backoffice.platform.invented.people import BY_NAME, Invented


@dataclass(frozen=True, slots=True)
class Scene:
    """``before`` and ``after`` name functions of circumstances.py and outcomes.py, with a word for them."""

    player: Invented
    ago: timedelta
    amount: str
    before: str
    after: str


# minutes ago | player | amount | circumstance | what became of it
_TABLE = """
# Waiting for a decision: late, due within the hour, later.
171 | Tomasz Wilczek    | 8900.00    | shared_account Wojciech Lis | claimed Fraud
138 | Aino Koskinen     | 12400.00   | usual                      | screened
124 | Rui Tavares       | 640.00     | usual                      | screened
 82 | Elena Marković    | 2450.00    | new_details                | claimed Operator
 79 | Jonas Weber       | 180.00     | nearly_all                 | screened
 76 | Camila Duarte     | 7200.00    | shortfall                  | screened
 73 | Oskar Lindholm    | 14500.00   | usual                      | screened
 71 | Niamh Gallagher   | 1020.00    | usual                      | screened
 68 | Luca Ferraro      | 1300.00    | usual                      | screened
 65 | Zofia Baran       | 1750.00    | new_details                | screened
 62 | Henrik Solberg    | 21300.00   | usual                      | screened
 56 | Beatriz Pinto     | 95.00      | quick                      | screened
 49 | Mehmet Aydın      | 3300.00    | usual                      | screened
 48 | Kaisa Tamm        | 410.00     | in_and_out                 | screened
 40 | Giorgos Pappas    | 1180.00    | usual                      | screened
 34 | Ingrid Dahl       | 8000.00    | shared_device Astrid Lunde | screened
 30 | Astrid Lunde      | 5200.00    | shared_device Ingrid Dahl  | screened
 27 | Marek Novotný     | 18500.00   | usual                      | screened
 22 | Dennis Whitlock   | 2050.00    | usual                      | screened
 18 | Svenja Thiele     | 240.00     | usual                      | screened
 15 | Chiara Benedetti  | 520.00     | usual                      | screened
 12 | Ciarán Doyle      | 5600.00    | usual                      | screened
  9 | Pierre Lacombe    | 330.00     | no_play                    | screened
  6 | Anton Vogt        | 75.00      | usual                      | screened
  4 | Noura Al-Salem    | 1250.000   | usual                      | screened
  2 | Bruno Cardoso     | 900.00     | shortfall                  | screened
# Half decided: a first approval, or a rejection that takes two.
 95 | Viktor Hansen     | 15500.00   | usual                      | endorsed Senior
 88 | Teresa Lourenço   | 11250.00   | usual                      | endorsed Operator
 61 | Olivier Fontanel  | 18900.00   | usual                      | endorsed Operator
 58 | Yuki Tanabe       | 2400000    | usual                      | endorsed Operator
 45 | Gloria Stanfield  | 12800.00   | usual                      | endorsed Operator
 90 | Bartosz Gajda     | 13700.00   | new_details                | rejection_proposed
105 | Clémence Aubry    | 10450.00   | usual                      | sent_back
# On hold, one of each kind.
260 | Liis Saar         | 1480.00    | new_details                | on_hold player
240 | Lukas Brandl      | 2200.00    | shortfall                  | on_hold internal
150 | Katharina Moser   | 1750.00    | usual                      | on_hold provider
330 | Nadine Hoffrichter| 9400.00    | in_and_out                 | on_hold legal
# With the machines: waiting for a paused provider, with a provider, unknown.
 35 | Theodor Falk      | 0.00500000 | usual                      | waiting
 20 | Matteo Rinaldi    | 210.000000 | usual                      | waiting
 16 | Hannes Kask       | 149.10     | usual                      | sent
 25 | Mikko Rantanen    | 89.11      | usual                      | sent
  3 | Lucía Montero     | 120.00     | usual                      | sent
 41 | Jakub Zieliński   | 649.18     | usual                      | lost_track
 28 | Vesna Perić       | 310.00     | usual                      | lost_track
# Closed today and before.
190 | Ivan Marković     | 2600.00    | usual                      | paid
310 | Freja Nyström     | 16800.00   | usual                      | paid
420 | Alejandro Quirós  | 10900.00   | usual                      | paid
250 | Samuel Oyelaran   | 3150.00    | new_details                | paid
385 | Filip Horvat      | 760.00     | shortfall                  | rejected Fraud suspected_takeover
205 | Sanna Heikkilä    | 1340.00    | new_details                | rejected Operator destination_needs_proof
2900| Haruto Mizuno     | 52000      | in_and_out                 | rejected Fraud fraud_mule
 47 | Petra Vuković     | 85.00      | usual                      | cancelled
1500| Dimitra Kallia    | 1900.00    | new_details                | cancelled
175 | Rasmus Ek         | 230.00     | usual                      | failed
1700| Agnieszka Król    | 1400.00    | usual                      | failed
1900| Halina Sokół      | 145.00     | usual                      | sent_back_by_bank
5900| Elina Vainio      | 2750.00    | usual                      | sent_back_by_bank
2100| Emil Bergqvist    | 3600.00    | usual                      | contradicted
"""


def _scenes() -> list[Scene]:
    rows = [line for line in _TABLE.strip().splitlines() if not line.startswith("#")]
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return [
        Scene(BY_NAME[name], timedelta(minutes=int(ago)), amount, before, after)
        for ago, name, amount, before, after in cells
    ]


SCENES = _scenes()

# Whose identity is something else than verified for years to come: state, days until it expires.
IDENTITIES: dict[str, tuple[str, int | None]] = {
    "Mehmet Aydın": ("verified", -4),
    "Luca Ferraro": ("verified", 6),
    "Kaisa Tamm": ("verified", 21),
    "Svenja Thiele": ("pending", None),
    "Chiara Benedetti": ("rejected", None),
    "Rui Tavares": ("", None),
}
# Nobody has shown yet that these accounts are the players' own.
NOT_OWNED = frozenset({"Giorgos Pappas"})
# Players whose first request is on the screen.
NEWCOMERS = frozenset({"Jonas Weber", "Rui Tavares", "Svenja Thiele", "Chiara Benedetti"})
# Days ago and amounts of earlier requests that matter for what is on the screen.
EARLIER: dict[str, tuple[tuple[float, str], ...]] = {
    "Dennis Whitlock": ((5.2, "2100.00"), (2.4, "2020.00")),
    "Anton Vogt": ((0.7, "60.00"), (0.4, "80.00")),
    "Elena Marković": ((29, "500.00"), (22, "620.00"), (15, "790.00"), (9, "640.00"), (4, "940.00")),
    "Tomasz Wilczek": ((28, "1390.00"), (21, "900.00"), (14, "1450.00"), (9, "980.00"), (5, "1200.00")),
}
