"""The kinds of value that a document may hold: strict, and described in the OpenAPI document as they are checked."""

import re
from datetime import date, datetime
from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from backoffice.money import AMOUNT_PATTERN, AmountError, digits_of, exponent_of
from kyc.names import is_plain

# Years that a clock of ours can mean; with others the arithmetic of zones overflows.
_TIME = "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
_DATE = "^(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}$"


def _refused(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("refused", sentence)


def _matching(pattern: str, sentence: str, **schema: Any) -> Any:
    """A text of a pattern; the sentence says how it must look."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise _refused(sentence)
        return text

    return Annotated[str, AfterValidator(check), WithJsonSchema({"type": "string", "pattern": pattern, **schema})]


def _amount(value: Any) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("invalid_amount", 'Send the amount as a string, such as "25.00".')
    try:
        digits_of(value)
    except AmountError as error:
        raise PydanticCustomError("invalid_amount", str(error)) from None
    return value


def _currency(value: Any) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("invalid_currency", 'Send the currency as a string, such as "EUR".')
    try:
        exponent_of(value)
    except AmountError as error:
        raise PydanticCustomError("invalid_currency", str(error)) from None
    return value


def _plain(text: str) -> str:
    if not is_plain(text):
        raise _refused("It contains a control, direction or invisible character.")
    return text


def _moment(value: Any) -> datetime:
    if not isinstance(value, str) or not re.fullmatch(_TIME, value, re.ASCII):
        raise _refused("Send the time with its zone, such as 2026-11-22T12:00:00Z.")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise _refused("There is no such time.") from None


def _day(value: Any) -> date:
    if not isinstance(value, str) or not re.fullmatch(_DATE, value, re.ASCII):
        raise _refused("Send the date as 1990-12-31.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise _refused("There is no such date.") from None


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise _refused("This is not an IP address.") from None


class OneOrMany:
    """One object, or a list of them; read as a list."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: [value] if isinstance(value, dict) else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


# An id that the platform gives: it stands in paths, ledger keys and log lines.
Id = _matching(
    "^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,63}$",
    "An id has 1 to 64 letters, digits and . _ : @ + - and begins with a letter or a digit.",
    examples=["player-1042"],
)
Amount = Annotated[
    str,
    BeforeValidator(_amount),
    WithJsonSchema({"type": "string", "pattern": f"^{AMOUNT_PATTERN}$", "maxLength": 37, "examples": ["25.00"]}),
]
Currency = Annotated[
    str,
    BeforeValidator(_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3,5}$", "examples": ["EUR"]}),
]
Country = _matching("^[A-Z]{2}$", "Send the country as two capital letters, such as HR.", examples=["HR"])
CountryOrNone = _matching("^([A-Z]{2})?$", "Send the country as two capital letters, such as HR, or leave it empty.")
IdempotencyKey = _matching("^[ -~]{1,255}$", "Send 1 to 255 printable ASCII characters.")
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _TIME, "examples": ["2026-11-22T12:00:00Z"]}),
]
Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": _DATE, "examples": ["1990-12-31"]}),
]
Line16 = Annotated[str, Field(max_length=16), AfterValidator(_plain)]
Line32 = Annotated[str, Field(max_length=32), AfterValidator(_plain)]
Line40 = Annotated[str, Field(max_length=40), AfterValidator(_plain)]
Line60 = Annotated[str, Field(max_length=60), AfterValidator(_plain)]
Line100 = Annotated[str, Field(max_length=100), AfterValidator(_plain)]
Line200 = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Line254 = Annotated[str, Field(max_length=254), AfterValidator(_plain)]
Filled140 = Annotated[str, Field(min_length=1, max_length=140), AfterValidator(_plain)]
Account = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_plain)]
Ip = Annotated[str, Field(max_length=45, examples=["203.0.113.7"]), AfterValidator(_address)]
