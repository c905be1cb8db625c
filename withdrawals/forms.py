"""Forms clean what was typed; they neither decide nor save."""

import uuid
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone

from withdrawals import guards, queries, visibility
from withdrawals.models import Note
from withdrawals.operations.bulk import Said
from withdrawals.operations.holds import ANSWER_TIME, LONGEST_HOLD, is_too_long, wake_at
from withdrawals.operations.questions import LONGEST_QUESTION
from withdrawals.pages.looks import WAKE_CHOICES
from withdrawals.pages.sheets import Sheet
from withdrawals.reasons import HOLD_KINDS, PLAIN, PLAIN_WORDS, UNSAID, may_be_reworded
from withdrawals.states import HoldKind, Move

LONGEST_NOTE = 2000
# Whoever agrees must be able to look it up again.
SHORTEST_EVIDENCE = 10
_PLAIN = RegexValidator(PLAIN, PLAIN_WORDS)


class MoveForm(forms.Form):
    """Version and key of the page, a reason of the closed list, and what the move needs besides."""

    # Whether the player can be told in other words than those of the reason.
    rewords = True

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    token = forms.CharField(max_length=64, widget=forms.HiddenInput)
    open_next = forms.BooleanField(required=False, widget=forms.HiddenInput)
    reason = forms.ChoiceField(
        label="Reason", widget=forms.RadioSelect, error_messages={"required": "Choose a reason."}
    )
    wake = forms.ChoiceField(
        label="Wake up",
        choices=WAKE_CHOICES,
        initial="tomorrow",
        help_text="If it waits for the player and no answer comes, it is cancelled then.",
    )
    wake_on = forms.DateField(
        label="The date",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": "Write the date as a day, like 2026-11-30."},
    )
    player_message = forms.CharField(
        label="Message to the player",
        required=False,
        max_length=guards.LONGEST_MESSAGE,
        validators=[_PLAIN],
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Stands after the sentence above, while it waits for the player.",
    )
    player_text = forms.CharField(
        label="In other words",
        required=False,
        max_length=guards.LONGEST_MESSAGE,
        validators=[_PLAIN],
        help_text="Instead of the sentence above. Not for a reason whose sentence does not name it.",
    )
    provider_reference = forms.CharField(label="The provider’s reference", max_length=120, strip=True)
    evidence = forms.CharField(
        label="Evidence",
        min_length=SHORTEST_EVIDENCE,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What you saw and where: statement line, mail, ticket.",
        error_messages={
            "required": "Write what proves it.",
            "min_length": f"Write what you saw and where, in {SHORTEST_EVIDENCE} characters or more.",
        },
    )
    note = forms.CharField(
        label="Note for colleagues",
        max_length=LONGEST_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Stays internal.",
    )

    def __init__(self, *args: Any, sheet: Sheet, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sheet, self.now = sheet, now
        if sheet.choices:
            self.fields["reason"].choices = sheet.choices  # type: ignore[attr-defined]
        else:
            del self.fields["reason"]
        if not guards.law_allows_cancelling(sheet.withdrawal):
            self.fields["wake"].help_text = "If it waits for the player and no answer comes, it goes back to review."
        if any(HOLD_KINDS.get(reason.code) == HoldKind.LEGAL for reason in sheet.reasons):
            self.fields["wake"].help_text += " A legal hold has no end of its own: for one, this is left aside."
        if sheet.move != Move.HOLD or sheet.escalates:
            for name in ("wake", "wake_on", "player_message"):
                del self.fields[name]
        if not (self.rewords and sheet.move == Move.REJECT and sheet.may_be_reworded):
            del self.fields["player_text"]
        if sheet.escalates:
            self.fields["note"].label, self.fields["note"].required = "Question", True
            self.fields["note"].error_messages["required"] = "Write what you ask them."
        self.fields["provider_reference"].initial = sheet.provider_reference
        if sheet.move != Move.COMPLETE:
            del self.fields["provider_reference"]
        if sheet.move not in (Move.COMPLETE, Move.FAIL):
            del self.fields["evidence"]

    @classmethod
    def fresh(cls, *, sheet: Sheet, now: datetime, open_next: bool, **kwargs: Any) -> "MoveForm":
        """Return an empty form for a page of its own."""
        initial = {
            "version": sheet.withdrawal.version,
            "token": uuid.uuid4().hex,
            "open_next": open_next or None,
        }
        return cls(initial=initial, sheet=sheet, now=now, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = HOLD_KINDS.get(cleaned.get("reason", "")) if self.sheet.move == Move.HOLD else None
        if kind == HoldKind.LEGAL:
            self.errors.pop("wake", None)
            cleaned.pop("wake", None)
        elif cleaned.get("wake") == "date":
            self._require_a_day_to_come(cleaned.get("wake_on"))
        if cleaned.get("reason") in UNSAID and not cleaned.get("note", "").strip() and "note" not in self.errors:
            self.add_error("note", "Write what it is: the reason does not say.")
        if cleaned.get("player_text") and not may_be_reworded(cleaned.get("reason", "")):
            self.add_error("player_text", "What the player reads of this reason cannot be changed. Leave this empty.")
        if kind not in (None, HoldKind.PLAYER) and cleaned.get("player_message"):
            self.add_error("player_message", "Only a hold that waits for the player carries a message to them.")
        return cleaned

    def _require_a_day_to_come(self, day: date | None) -> None:
        today = timezone.localdate(self.now)
        if "wake_on" not in self.errors and (day is None or day <= today or is_too_long(day, now=self.now)):
            self.add_error("wake_on", f"Choose a day from tomorrow to {LONGEST_HOLD.days} days from now.")

    @property
    def facts(self) -> dict[str, Any]:
        """What the move needs besides its reason, as it is stored with the decision."""
        cleaned = self.cleaned_data
        if self.sheet.move == Move.HOLD:
            facts = {"kind": HOLD_KINDS[cleaned["reason"]].value}
            if self.sheet.escalates:
                facts["wake_at"] = (self.now + ANSWER_TIME).isoformat()
            elif "wake" in cleaned:
                facts["wake_at"] = wake_at(cleaned["wake"], on=cleaned["wake_on"], now=self.now).isoformat()
            if cleaned.get("player_message"):
                facts["player_message"] = cleaned["player_message"]
            return facts
        if cleaned.get("player_text"):
            return {"player_message": cleaned["player_text"]}
        return {name: cleaned[name] for name in ("provider_reference", "evidence") if name in cleaned}


class BulkForm(MoveForm):
    """One reason, and what the move needs besides, for many at once; ``sheet`` is that of any one of them."""

    rewords = False

    version = token = open_next = None  # type: ignore[assignment]

    @property
    def said(self) -> Said:
        return Said(self.cleaned_data["reason"], self.cleaned_data["note"], self.facts)


class NoteForm(forms.Form):
    text = forms.CharField(
        label="Note",
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Stays internal and cannot be changed later.",
        error_messages={"required": "Write the note."},
    )
    audience = forms.ChoiceField(label="Who reads it", choices=Note.Audience.choices, widget=forms.RadioSelect)

    def __init__(self, *args: Any, author: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if visibility.sees(author, visibility.Field.SIGNALS):
            self.fields["audience"].initial = Note.Audience.SIGNALS
        else:
            del self.fields["audience"]
            self.fields["text"].help_text = "Read by support and by everybody who decides. It cannot be changed later."


class QuestionForm(forms.Form):
    note = forms.CharField(
        label="Question",
        max_length=LONGEST_QUESTION,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Read by finance, seniors and everybody who decides. It cannot be changed later.",
        error_messages={"required": "Write what you ask them."},
    )


class DeclineForm(forms.Form):
    why = forms.CharField(
        label="Why do you decline it?",
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Read by the person who proposed it.",
        error_messages={"required": "Say why."},
    )


class TakeOverForm(forms.Form):
    reason = forms.CharField(
        label="Why do you take it over?",
        min_length=10,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why."},
    )


class AssignForm(forms.Form):
    """To whom the picked rows are given; ``refs`` are the rows that may be picked."""

    pick = forms.MultipleChoiceField(widget=forms.MultipleHiddenInput)
    query = forms.CharField(required=False, widget=forms.HiddenInput)
    to = forms.ModelChoiceField(
        label="Who decides them?",
        queryset=queries.claimers().order_by("name"),
        empty_label=None,
        widget=forms.Select(attrs={"autofocus": True}),
        error_messages={"required": "Choose somebody.", "invalid_choice": "Choose somebody who decides withdrawals."},
    )

    def __init__(self, *args: Any, refs: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        pick: Any = self.fields["pick"]
        pick.choices = [(ref, ref) for ref in refs]


class FindingForm(forms.Form):
    note = forms.CharField(
        label="What came of it?",
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What you asked whom, and what they said. It cannot be changed later.",
        error_messages={"required": "Write what came of it."},
    )


class AnswerForm(FindingForm):
    """Closes a question."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].label = "Your answer"
        self.fields["note"].help_text = "Support reads it: say nothing of checks or suspicions. It cannot be changed."
        self.fields["note"].error_messages["required"] = "Write the answer."


class SwitchForm(forms.Form):
    reason = forms.CharField(
        label="Why?",
        min_length=10,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Everybody who sees the providers reads it.",
        error_messages={"required": "Say why."},
    )
