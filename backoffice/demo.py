"""The people of the demonstration: all invented, one for each role, with one shared password.

``seed_demo`` makes the accounts and ``make run`` prints them. They exist in a demonstration only.
"""

from typing import NamedTuple

PASSWORD = "only-for-the-demo-2026"
# With the key id "demo", signs requests to the API of a demonstration.
API_SECRET = "only-for-the-demo-2026-api-secret"


class Person(NamedTuple):
    """``app_secret``: of the app with codes, for whoever has a second factor switched on."""

    email: str
    name: str
    role: str
    app_secret: str = ""


STAFF = (
    Person("dana@demo.example", "Dana Kovač", "Operator"),
    Person("marta@demo.example", "Marta Lindqvist", "Senior"),
    Person("priya@demo.example", "Priya Raman", "Fraud"),
    Person("finn@demo.example", "Finn Aalto", "Finance"),
    Person("sol@demo.example", "Sol Ibarra", "Support"),
    Person("clara@demo.example", "Clara Whitfield", "Compliance"),
    Person("ada@demo.example", "Ada Okonjo", "Administrator"),
    Person("tove@demo.example", "Tove Nygaard", "Senior", "ONLYFORTHEDEMO2ONLYFORTHEDEMO234"),
)


def sign_ins() -> list[str]:
    """What `make run` prints under the address: one line per person."""
    heading = f"Demo sign-ins (the people are invented; the password of each is {PASSWORD}):"
    lines = [f"  {person.email:<20} {person.role:<14} {person.name}" for person in STAFF]
    asked = [
        f"{person.name} is asked for a code too; type this secret into an app for codes: {person.app_secret}"
        for person in STAFF
        if person.app_secret
    ]
    return [heading, *lines, *asked, "A second factor is offered here; where SECOND_FACTOR is not set it is required."]
