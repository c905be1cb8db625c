"""What a person may choose about the look of every page."""

from django.http import HttpRequest

# Name → value → word. The first value is the default and writes no attribute.
CHOICES: dict[str, dict[str, str]] = {
    "theme": {"": "System", "light": "Light", "dark": "Dark"},
    "density": {"": "Standard", "compact": "Compact", "roomy": "Roomy"},
    "shortcuts": {"": "On", "alt": "With Alt", "off": "Off"},
    "numbers": {"": "2,450.00", "space": "2 450,00", "point": "2.450,00"},
    # Of the menu; by itself a rail on the pages where decisions are made.
    "rail": {"": "By page", "on": "Narrow", "off": "Wide"},
}
# What is there before somebody has signed in, so that their first page comes without a flash.
IN_COOKIES = ("theme", "density")
# The row heights that one list can have, whatever the pages have otherwise.
DENSITIES = {"compact": "Compact", "standard": "Standard", "roomy": "Roomy"}


def appearance(request: HttpRequest) -> dict[str, object]:
    """Context processor: what was chosen, and the choices of each. Foreign values are ignored.

    A person's own choice counts (``request.preferences``); before they have signed in, what the browser says.
    """
    context: dict[str, object] = {}
    preferences = getattr(request, "preferences", None)
    for name, choices in CHOICES.items():
        said = request.COOKIES.get(name, "") if name in IN_COOKIES else ""
        value = getattr(preferences, name) if preferences else said
        context[name] = value if value in choices else ""
        context[f"{name}_choices"] = list(choices.items())
    return context
