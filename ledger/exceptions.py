"""What the ledger refuses. Messages are sentences of the database: account, rule, amounts."""


class LedgerError(Exception):
    """The ledger refused; nothing was booked. Inside a transaction, the transaction is spent."""


class UnbalancedEntry(LedgerError):
    """The postings of an entry do not sum to zero in a currency, or are fewer than two."""


class MalformedEntry(LedgerError):
    """An entry lacks what its kind must say, or a posting names no account that keeps its currency."""


class InsufficientFunds(LedgerError):
    """A player's account would go below zero."""


class KeyConflict(LedgerError):
    """The key is taken by an entry with other content."""


class AlreadyBooked(LedgerError):
    """Under another key: what may be booked once per withdrawal, or a reversal of the same entry."""


class NothingToReverse(LedgerError):
    """A reversal found no open entry to take back, or does not match the one it names."""


class AmountOutOfRange(LedgerError):
    """An amount is not above zero, or an amount or balance would not fit 64 bits."""


class UnknownCurrency(LedgerError):
    """The ledger does not keep this currency."""


class BookedForGood(LedgerError):
    """What is booked is never changed or removed; a correction is a new entry."""
