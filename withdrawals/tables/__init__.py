"""The tables of withdrawals and of the pages that combine apps; one file per screen."""

from withdrawals.tables.abilities import AbilityTable
from withdrawals.tables.bulk import BulkTable, ResultTable
from withdrawals.tables.findings import FindingTable
from withdrawals.tables.flagged import FlaggedTable
from withdrawals.tables.in_flight import InFlightTable
from withdrawals.tables.providers import ProviderTable
from withdrawals.tables.queue import FLAGGED, QueueTable, address_of, money_words, next_address, waited
from withdrawals.tables.queue_file import QueueFile, columns_for
from withdrawals.tables.second_approval import SecondApprovalTable
from withdrawals.tables.standings import StandingTable, player_address
from withdrawals.tables.transactions import TransactionTable

__all__ = [
    "FLAGGED",
    "AbilityTable",
    "BulkTable",
    "FindingTable",
    "FlaggedTable",
    "InFlightTable",
    "ProviderTable",
    "QueueFile",
    "QueueTable",
    "ResultTable",
    "SecondApprovalTable",
    "StandingTable",
    "TransactionTable",
    "address_of",
    "columns_for",
    "money_words",
    "next_address",
    "player_address",
    "waited",
]
