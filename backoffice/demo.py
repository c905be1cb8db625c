"""The people of the demonstration: all invented, one for each role, with one shared password.

``seed_demo`` makes the accounts and ``make run`` prints them. They exist in a demonstration only.
"""

from typing import NamedTuple

PASSWORD = "only-for-the-demo-2026"
# With the key id "demo", signs requests to the API of a demonstration.
API_SECRET = "only-for-the-demo-2026-api-secret"


class Person(NamedTuple):
    email: str
    name: str
    role: str


STAFF = (
    Person("dana@demo.example", "Dana Kovač", "Operator"),
    Person("marta@demo.example", "Marta Lindqvist", "Senior"),
    Person("priya@demo.example", "Priya Raman", "Fraud"),
    Person("finn@demo.example", "Finn Aalto", "Finance"),
    Person("sol@demo.example", "Sol Ibarra", "Support"),
    Person("clara@demo.example", "Clara Whitfield", "Compliance"),
    Person("ada@demo.example", "Ada Okonjo", "Administrator"),
)


def sign_ins() -> list[str]:
    """What `make run` prints under the address: one line per person."""
    heading = f"Demo sign-ins (the people are invented; the password of each is {PASSWORD}):"
    return [heading, *(f"  {person.email:<20} {person.role:<14} {person.name}" for person in STAFF)]
