"""The players of the demonstration. Names, accounts and cards are made up; whoever bears one of these
names bears it by chance. The e-mail addresses cannot exist, and the bank codes are all zeros.
"""

import random
from dataclasses import dataclass

# What a usual amount is worth in minor units of each currency, against 1.00 EUR.
ONE_EURO = {
    "EUR": 100, "USD": 109, "SEK": 1_136, "NOK": 1_163, "PLN": 435, "BRL": 588, "JPY": 164, "KWD": 333,
    "CZK": 2_500, "USDT": 1_087_000, "BTC": 1_667,
}  # fmt: skip

# Digits after country and check digits, for countries whose IBAN is digits alone.
_IBAN_DIGITS = {"AT": 16, "DE": 18, "EE": 16, "ES": 20, "FI": 14, "HR": 17, "NO": 11, "PL": 24, "PT": 21, "SE": 20}
# Addresses from the texts that define the two formats.
_BITCOIN = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
_ETHEREUM = (
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)


@dataclass(frozen=True, slots=True)
class Invented:
    """A player who does not exist. ``pays_to``: iban, a card brand, btc or usdt."""

    number: int
    name: str
    country: str
    city: str
    language: str
    currency: str
    pays_to: str

    @property
    def external_id(self) -> str:
        return f"demo-{self.number:03d}"

    @property
    def email(self) -> str:
        return f"player{self.number}@demo.invalid"

    @property
    def device(self) -> str:
        return f"device-{self.number:03d}"

    @property
    def ip(self) -> str:
        # A documentation range, one network for each player.
        return f"2001:db8:{self.number:x}::7"

    @property
    def method(self) -> str:
        return {"iban": "iban", "btc": "wallet", "usdt": "wallet"}.get(self.pays_to, "card")

    def account(self, variant: int = 0) -> str:
        """Return the player's own account; another ``variant`` is another account of the same kind."""
        serial = 20_000 + self.number * 37 + variant * 1_013
        if self.pays_to == "iban":
            return iban(self.country, serial)
        if self.pays_to == "btc":
            return f"BTC:{_BITCOIN}"
        if self.pays_to == "usdt":
            return f"USDT:{_ETHEREUM[(self.number + variant) % len(_ETHEREUM)]}"
        return f"tok_{self.pays_to}_{serial * 7 % 9_000 + 1_000}_invented{chr(97 + variant % 26)}{self.number:03d}"

    def worth(self, euro: int) -> int:
        """Return about so many euro in minor units of the player's currency."""
        return euro * ONE_EURO[self.currency]


def iban(country: str, serial: int) -> str:
    """Return a well-formed IBAN of no bank, for a serial number of five digits or more."""
    digits = str(serial).rjust(_IBAN_DIGITS[country], "0")
    number = int(digits + "".join(str(int(letter, 36)) for letter in country) + "00")
    return f"{country}{98 - number % 97:02d}{digits}"


_TABLE = """
Elena Marković       | HR | Zagreb     | hr | EUR  | visa
Tomasz Wilczek       | PL | Łódź       | pl | EUR  | iban
Aino Koskinen        | FI | Tampere    | fi | EUR  | iban
Rui Tavares          | PT | Braga      | pt | EUR  | iban
Jonas Weber          | AT | Graz       | de | EUR  | visa
Camila Duarte        | BR | Recife     | pt | BRL  | mastercard
Oskar Lindholm       | SE | Uppsala    | sv | SEK  | iban
Niamh Gallagher      | IE | Galway     | en | EUR  | mastercard
Luca Ferraro         | IT | Torino     | it | EUR  | visa
Zofia Baran          | PL | Poznań     | pl | USDT | usdt
Henrik Solberg       | NO | Bergen     | nb | NOK  | iban
Beatriz Pinto        | PT | Coimbra    | pt | EUR  | iban
Mehmet Aydın         | DE | Bremen     | de | EUR  | iban
Kaisa Tamm           | EE | Tartu      | et | EUR  | visa
Giorgos Pappas       | GR | Patras     | el | EUR  | mastercard
Ingrid Dahl          | NO | Trondheim  | nb | NOK  | iban
Viktor Hansen        | NO | Oslo       | nb | EUR  | visa
Marek Novotný        | CZ | Brno       | cs | CZK  | visa
Sofía Ibáñez         | ES | Valencia   | es | EUR  | iban
Pierre Lacombe       | FR | Nantes     | fr | EUR  | visa
Yuki Tanabe          | JP | Sendai     | ja | JPY  | visa
Noura Al-Salem       | KW | Hawalli    | ar | KWD  | visa
Dennis Whitlock      | US | Reno       | en | USD  | visa
Gloria Stanfield     | US | Trenton    | en | USD  | mastercard
Agnieszka Król       | PL | Gdynia     | pl | PLN  | iban
Wojciech Lis         | PL | Lublin     | pl | PLN  | iban
Freja Nyström        | SE | Malmö      | sv | SEK  | iban
Emil Bergqvist       | SE | Örebro     | sv | SEK  | visa
Lukas Brandl         | AT | Linz       | de | EUR  | iban
Katharina Moser      | AT | Villach    | de | EUR  | iban
Ivan Marković        | HR | Zagreb     | hr | EUR  | mastercard
Petra Vuković        | HR | Split      | hr | EUR  | iban
Hannes Kask          | EE | Pärnu      | et | EUR  | iban
Liis Saar            | EE | Tallinn    | et | EUR  | visa
Mikko Rantanen       | FI | Oulu       | fi | EUR  | iban
Sanna Heikkilä       | FI | Kuopio     | fi | EUR  | visa
Teresa Lourenço      | PT | Faro       | pt | EUR  | visa
Bruno Cardoso        | BR | Curitiba   | pt | BRL  | visa
Anton Vogt           | DE | Kassel     | de | EUR  | iban
Svenja Thiele        | DE | Rostock    | de | EUR  | visa
Ciarán Doyle         | IE | Cork       | en | EUR  | visa
Chiara Benedetti     | IT | Parma      | it | EUR  | mastercard
Alejandro Quirós     | ES | Oviedo     | es | EUR  | iban
Lucía Montero        | ES | Murcia     | es | EUR  | visa
Olivier Fontanel     | FR | Rennes     | fr | EUR  | mastercard
Dimitra Kallia       | GR | Volos      | el | EUR  | visa
Astrid Lunde         | NO | Stavanger  | nb | NOK  | visa
Jakub Zieliński      | PL | Toruń      | pl | EUR  | iban
Halina Sokół         | PL | Opole      | pl | EUR  | visa
Rasmus Ek            | SE | Västerås   | sv | EUR  | iban
Theodor Falk         | DE | Jena       | de | BTC  | btc
Nadine Hoffrichter   | DE | Erfurt     | de | EUR  | iban
Filip Horvat         | HR | Rijeka     | hr | EUR  | iban
Vesna Perić          | HR | Osijek     | hr | EUR  | visa
Samuel Oyelaran      | IE | Dublin     | en | EUR  | visa
Haruto Mizuno        | JP | Niigata    | ja | JPY  | mastercard
Clémence Aubry       | FR | Dijon      | fr | EUR  | visa
Bartosz Gajda        | PL | Rzeszów    | pl | EUR  | iban
Elina Vainio         | FI | Lahti      | fi | EUR  | iban
Matteo Rinaldi       | IT | Bari       | it | USDT | usdt
"""

PLAYERS = tuple(
    Invented(number, *(cell.strip() for cell in line.split("|")))
    for number, line in enumerate(_TABLE.strip().splitlines(), start=1)
)
BY_NAME = {player.name: player for player in PLAYERS}

_FIRST = ("Adela", "Bram", "Cleo", "Dario", "Edda", "Fabio", "Greta", "Hugo", "Ilse", "Levi", "Mona", "Runa", "Tilda")
_LAST = ("Almquist", "Brindle", "Corvo", "Dreyer", "Eskola", "Fjeld", "Galante", "Hartog", "Jantar", "Lomond", "Norrby")
_PLACES = (
    ("AT", "Wels", "de"), ("DE", "Fulda", "de"), ("EE", "Narva", "et"), ("ES", "Gijón", "es"),
    ("FI", "Vaasa", "fi"), ("HR", "Zadar", "hr"), ("PL", "Kielce", "pl"), ("PT", "Évora", "pt"),
)  # fmt: skip


def newcomer(number: int) -> Invented:
    """Return one more invented player; the same number is always the same person."""
    chance = random.Random(number)  # noqa: S311 - invents people, no secrets
    country, city, language = chance.choice(_PLACES)
    name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    return Invented(number, name, country, city, language, "EUR", chance.choice(("iban", "visa", "mastercard")))
