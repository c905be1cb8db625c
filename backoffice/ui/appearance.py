"""What a person may choose about the look of every page."""

from django.http import HttpRequest

# Cookie name → value → word. The first value is the default and writes no attribute.
CHOICES: dict[str, dict[str, str]] = {
    "theme": {"": "System", "light": "Light", "dark": "Dark"},
    "density": {"": "Standard", "compact": "Compact", "roomy": "Roomy"},
    "shortcuts": {"": "On", "off": "Off"},
    # Of the menu; by itself a rail on the pages where decisions are made.
    "rail": {"": "By page", "on": "Narrow", "off": "Wide"},
}
# The row heights that one list can have, whatever the pages have otherwise.
DENSITIES = {"compact": "Compact", "standard": "Standard", "roomy": "Roomy"}


def appearance(request: HttpRequest) -> dict[str, object]:
    """Context processor: what was chosen, and the choices of each. Foreign values are ignored."""
    context: dict[str, object] = {}
    for name, choices in CHOICES.items():
        value = request.COOKIES.get(name, "")
        context[name] = value if value in choices else ""
        context[f"{name}_choices"] = list(choices.items())
    return context
