"""Reading a file of recorded payments: what each row means to us, or what is wrong with it.

One row per line, plain or gzipped, with a header naming the columns ReqTimeUTC, TransactionType,
TransactionAmount (US dollars), Status and AccountIdentifier. The betting account is the account that we
keep: money that goes out of the customer's loyalty card comes into it, and the other way round.
"""

import csv
import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from backoffice.money import AmountError, TooManyDecimals, parse_amount

CURRENCY = "USD"
COLUMNS = ("ReqTimeUTC", "TransactionType", "TransactionAmount", "Status", "AccountIdentifier")
# Beyond what any payment is, and far from what a 64-bit sum can hold.
LARGEST = 10**12
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_CUSTOMER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,49}", re.ASCII)


class NotPaymentsFile(Exception):
    """The file as a whole is not in the format; the message says what is missing."""


class Meaning(StrEnum):
    DEPOSIT = "deposits"
    WITHDRAWAL = "withdrawals"
    # The customer loads the loyalty card itself; the money does not reach the betting account.
    OUTSIDE = "outside the betting account"


_MEANINGS = {
    "LOYALTYCARDDEBIT": Meaning.DEPOSIT,
    "LOYALTYCARDCREDIT": Meaning.WITHDRAWAL,
    "LOYALTYCARDCREDITCL": Meaning.OUTSIDE,
    "LOYALTYCARDCREDITACH": Meaning.OUTSIDE,
}


@dataclass(frozen=True, slots=True)
class Payment:
    """One usable row. ``key`` derives from the line and its number, so a second reading is recognised."""

    line: int
    key: str
    at: datetime
    meaning: Meaning
    amount: int
    customer: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that is not taken: ``reason`` is counted, ``words`` say what was found on the line."""

    line: int
    reason: str
    words: str


class _Unusable(Exception):
    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason, self.words = reason, words


def read(path: Path, *, now: datetime) -> Iterator[Payment | Refusal]:
    """Yield every row below the header. Raises NotPaymentsFile when there is no such header.

    Rows are lines: a quoted field cannot run over the end of its line, so one bad row costs one row.
    """
    with _open(path) as lines:
        try:
            header = _fields(next(lines, "").rstrip("\r\n"))
            missing = [column for column in COLUMNS if column not in header]
            if missing:
                raise NotPaymentsFile(f"{path.name} has no column {', '.join(missing)} in its first line.")
            places = [header.index(column) for column in COLUMNS]
            for number, line in enumerate(lines, start=2):
                yield _row(number, line.rstrip("\r\n"), places, len(header), now)
        except (gzip.BadGzipFile, EOFError) as error:
            raise NotPaymentsFile(f"{path.name} is not a whole gzip file: {error}.") from error


def count_rows(path: Path) -> int:
    """Return the number of lines below the header, for a progress bar."""
    with _open(path) as lines:
        return max(sum(1 for _ in lines) - 1, 0)


def _open(path: Path) -> TextIOWrapper:
    raw = path.open("rb")
    gzipped = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if gzipped else raw  # type: ignore[assignment]
    # Bytes that are no UTF-8 become a replacement character, which no field accepts: a refused row.
    return TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="\n")


def _fields(line: str) -> list[str]:
    return next(csv.reader([line]), []) if '"' in line else line.split(",")


def _row(number: int, line: str, places: list[int], width: int, now: datetime) -> Payment | Refusal:
    try:
        if not line.strip():
            raise _Unusable("empty line", "nothing stands here")
        fields = _fields(line)
        if len(fields) != width:
            raise _Unusable("wrong number of columns", f"{len(fields)} instead of {width}")
        time, kind, amount, status, customer = (fields[place].strip() for place in places)
        payment = Payment(
            line=number,
            key=hashlib.sha256(f"{number}:{line}".encode()).hexdigest()[:32],
            at=_time(time, now),
            meaning=_meaning(kind),
            amount=_amount(amount),
            customer=_name(customer),
        )
        _check_status(status)
    except _Unusable as problem:
        return Refusal(number, problem.reason, problem.words)
    except csv.Error as error:
        return Refusal(number, "unreadable line", str(error))
    return payment


def _time(text: str, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _Unusable("bad time", f"{_short(text)} is not a time such as 2019-03-01T08:01:09+0000") from None
    if at.tzinfo is None:
        raise _Unusable("bad time", f"{_short(text)} does not say its offset from UTC")
    if not EARLIEST <= at <= now:
        raise _Unusable("bad time", f"{_short(text)} is not between {EARLIEST.year} and now")
    return at


def _meaning(text: str) -> Meaning:
    try:
        return _MEANINGS[text]
    except KeyError:
        raise _Unusable("unknown transaction type", f"{_short(text)}") from None


def _amount(text: str) -> int:
    if text.startswith("-"):
        raise _Unusable("negative amount", _short(text))
    try:
        amount = parse_amount(text, CURRENCY)
    except TooManyDecimals:
        raise _Unusable("more than two decimals", _short(text)) from None
    except AmountError:
        raise _Unusable("bad amount", _short(text)) from None
    if amount == 0:
        raise _Unusable("zero amount", _short(text))
    if amount > LARGEST:
        raise _Unusable("amount too large", _short(text))
    return amount


def _name(text: str) -> str:
    if not _CUSTOMER.fullmatch(text):
        raise _Unusable("bad customer", f"{_short(text)} cannot be a customer's id")
    return text


def _check_status(text: str) -> None:
    if text == "DECLINED":
        raise _Unusable("declined at the source", text)
    if text == "NA":
        raise _Unusable("no status at the source", text)
    if text != "APPROVED":
        raise _Unusable("unknown status", _short(text))


def _short(text: str) -> str:
    """Return what was found, quoted, without what would spoil a terminal or a log."""
    return repr(text[:40] + ("…" if len(text) > 40 else ""))
