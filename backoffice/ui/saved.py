"""Saving, changing and sharing the views of a list."""

import secrets
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.dispatch import Signal
from django.utils.text import slugify

from backoffice.ui.models import SavedView

LONGEST_LABEL = 60
MOST_VIEWS = 50
# Sent in the transaction that shares a view with a role or ends it: view, actor, before, after (names of roles).
# The audit log, which lies above this package, listens.
sharing_changed = Signal()


class Refused(Exception):
    """What was asked is not possible; the text says what is."""


def views_for(user: Any, list_name: str) -> list[SavedView]:
    """Return a person's own views of a list and those shared with one of their roles, own ones first; among them
    the one without a name that only says what the list opens with."""
    seen = Q(owner=user) | Q(shared_with__user=user)
    found = SavedView.objects.filter(seen, list=list_name).select_related("owner", "shared_with").distinct()
    return sorted(found, key=lambda view: (view.owner_id != user.pk, view.label.lower(), view.pk))


@transaction.atomic
def save_as(*, user: Any, list_name: str, label: str, query: str, role: str = "") -> SavedView:
    """Keep an address under a new name. Raises Refused."""
    if SavedView.objects.filter(owner=user, list=list_name).count() >= MOST_VIEWS:
        raise Refused(f"You have {MOST_VIEWS} views of this list. Delete one first.")
    label = _clean(label)
    view = SavedView.objects.create(owner=user, list=list_name, slug=_slug(label), label=label, query=query)
    if role:
        share(view, user=user, role=role)
    return view


def update(view: SavedView, *, user: Any, query: str) -> None:
    """Make a view of one's own mean the address as it is now."""
    _require_owner(view, user)
    view.query = query
    view.save(update_fields=["query"])


def rename(view: SavedView, *, user: Any, label: str) -> None:
    _require_owner(view, user)
    view.label = _clean(label)
    view.save(update_fields=["label"])


@transaction.atomic
def share(view: SavedView, *, user: Any, role: str) -> None:
    """Let everybody with a role of one's own open it, or nobody (empty); recorded."""
    _require_owner(view, user)
    group = user.groups.filter(name=role).first() if role else None
    if role and group is None:
        raise Refused("A view is shared with a role of your own, or with nobody.")
    before = view.shared_with.name if view.shared_with else ""
    if before == role:
        return
    view.shared_with = group
    view.save(update_fields=["shared_with"])
    sharing_changed.send(sender=SavedView, view=view, actor=user, before=before, after=role)


@transaction.atomic
def delete(view: SavedView, *, user: Any) -> None:
    _require_owner(view, user)
    share(view, user=user, role="")
    view.delete()


@transaction.atomic
def open_with(*, user: Any, list_name: str, view: SavedView | None, query: str = "") -> None:
    """Make the list open with a view: one of one's own, or any other by its address; with neither, its first one."""
    kept = SavedView.objects.select_for_update().filter(owner=user, list=list_name)
    kept.filter(opens=True).update(opens=False)
    kept.filter(label="").delete()
    if view is not None and view.owner_id == user.pk:
        kept.filter(pk=view.pk).update(opens=True)
    elif view is not None or query:
        address = query if view is None else f"saved={view.slug}"
        SavedView.objects.create(owner=user, list=list_name, slug=_slug(""), query=address, opens=True)


def _require_owner(view: SavedView, user: Any) -> None:
    if view.owner_id != user.pk:
        raise Refused(f"{view.label} belongs to {view.owner}. Save it as a view of your own to change it.")


def _slug(label: str) -> str:
    return f"{slugify(label)[:60] or 'view'}-{secrets.token_hex(3)}"


def _clean(label: str) -> str:
    label = " ".join(label.split())
    if not 0 < len(label) <= LONGEST_LABEL:
        raise Refused(f"A view needs a name of 1 to {LONGEST_LABEL} characters.")
    return label
