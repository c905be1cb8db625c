"""Reading recorded payments: every row is understood or named with what is wrong."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backoffice.platform.payments_file import Meaning, NotPaymentsFile, Payment, Refusal, count_rows, read

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HEADER = "ReqTimeUTC,TransactionType,TransactionAmount,Status,AccountIdentifier\n"
GOOD = "2019-03-01T08:01:19+0000,LOYALTYCARDDEBIT,20.5,APPROVED,customer937\n"


def rows_of(folder: Path, *lines: str, header: str = HEADER) -> list[Payment | Refusal]:
    path = folder / "payments.csv"
    path.write_text(header + "".join(lines))
    return list(read(path, now=NOW))


def test_a_row_becomes_a_payment_at_its_own_time(tmp_path: Path) -> None:
    [payment] = rows_of(tmp_path, GOOD)

    assert isinstance(payment, Payment)
    assert (payment.line, payment.at) == (2, datetime(2019, 3, 1, 8, 1, 19, tzinfo=UTC))
    assert (payment.meaning, payment.amount, payment.customer) == (Meaning.DEPOSIT, 2050, "customer937")


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("LOYALTYCARDDEBIT", Meaning.DEPOSIT),
        ("LOYALTYCARDCREDIT", Meaning.WITHDRAWAL),
        ("LOYALTYCARDCREDITCL", Meaning.OUTSIDE),
        ("LOYALTYCARDCREDITACH", Meaning.OUTSIDE),
    ],
)
def test_types_are_seen_from_the_betting_account(tmp_path: Path, kind: str, meaning: Meaning) -> None:
    [payment] = rows_of(tmp_path, GOOD.replace("LOYALTYCARDDEBIT", kind))

    assert isinstance(payment, Payment)
    assert payment.meaning == meaning


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD.replace("2019-03-01T08:01:19+0000", "yesterday"), "bad time"),
        (GOOD.replace("2019-03-01T08:01:19+0000", ""), "bad time"),
        (GOOD.replace("+0000", ""), "bad time"),
        (GOOD.replace("2019", "2039"), "bad time"),
        (GOOD.replace("2019-03-01T08:01:19+0000", "9999-12-31T23:59:59-2300"), "bad time"),
        (GOOD.replace("2019-03-01T08:01:19+0000", "0001-01-01T00:00:00+2300"), "bad time"),
        (GOOD.replace("20.5", "-20.5"), "negative amount"),
        (GOOD.replace("20.5", "0.00"), "zero amount"),
        (GOOD.replace("20.5", "20.505"), "more than two decimals"),
        (GOOD.replace("20.5", "twenty"), "bad amount"),
        (GOOD.replace("20.5", "2e3"), "bad amount"),
        (GOOD.replace("20.5", "NaN"), "bad amount"),
        (GOOD.replace("20.5", ""), "bad amount"),
        (GOOD.replace("20.5", "9" * 13), "amount too large"),
        (GOOD.replace("20.5", "9" * 40), "bad amount"),
        (GOOD.replace("LOYALTYCARDDEBIT", "REFUND"), "unknown transaction type"),
        (GOOD.replace("APPROVED", "DECLINED"), "declined at the source"),
        (GOOD.replace("APPROVED", "NA"), "no status at the source"),
        (GOOD.replace("APPROVED", "MAYBE"), "unknown status"),
        (GOOD.replace("customer937", ""), "bad customer"),
        (GOOD.replace("customer937", "cust\x00omer"), "bad customer"),
        (GOOD.replace("customer937", "c" * 60), "bad customer"),
        ("2019-03-01T08:01:19+0000,LOYALTYCARDDEBIT,20.5\n", "wrong number of columns"),
        (GOOD.strip() + ",more\n", "wrong number of columns"),
        ("\n", "empty line"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(tmp_path: Path, line: str, reason: str) -> None:
    good, refused, last = rows_of(tmp_path, GOOD, line, GOOD)

    assert isinstance(refused, Refusal)
    assert (refused.line, refused.reason) == (3, reason)
    assert isinstance(good, Payment)
    assert isinstance(last, Payment)


def test_bytes_that_are_no_text_cost_one_row(tmp_path: Path) -> None:
    path = tmp_path / "payments.csv"
    path.write_bytes(HEADER.encode() + GOOD.replace("customer937", "\xff").encode("latin-1") + GOOD.encode())

    refused, good = read(path, now=NOW)

    assert isinstance(refused, Refusal)
    assert isinstance(good, Payment)


def test_the_same_line_in_the_same_place_has_the_same_key(tmp_path: Path) -> None:
    plain = rows_of(tmp_path, GOOD, GOOD)
    path = tmp_path / "again.csv.gz"
    path.write_bytes(gzip.compress((HEADER + GOOD + GOOD).encode()))
    zipped = list(read(path, now=NOW))

    assert plain == zipped
    assert len({row.key for row in plain if isinstance(row, Payment)}) == 2
    assert count_rows(path) == 2


def test_columns_may_come_in_another_order(tmp_path: Path) -> None:
    header = "AccountIdentifier,Status,TransactionAmount,TransactionType,ReqTimeUTC\n"
    line = "customer937,APPROVED,20.5,LOYALTYCARDDEBIT,2019-03-01T08:01:19+0000\n"

    [payment] = rows_of(tmp_path, line, header=header)

    assert isinstance(payment, Payment)
    assert payment.amount == 2050


def test_another_file_is_refused_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(NotPaymentsFile, match="no column ReqTimeUTC, TransactionType"):
        rows_of(tmp_path, "1,2\n", header="a,b\n")


def test_a_cut_gzip_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress((HEADER + GOOD * 100).encode())[:-30])

    with pytest.raises(NotPaymentsFile, match="not a whole gzip file"):
        list(read(path, now=NOW))
