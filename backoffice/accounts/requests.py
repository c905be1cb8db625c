"""A request behind the sign-in."""

from django.http import HttpRequest

from backoffice.accounts.models import User


class StaffRequest(HttpRequest):
    """What every view gets that does not opt out of the sign-in: its user is one of us. For type hints."""

    user: User
