"""Providers reached by HTTP: what happened on the wire becomes one of the contract's errors, here and only here."""

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from providers.contract import (
    CannotTell,
    Declined,
    Found,
    Misconfigured,
    NotAccepted,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PayoutInstruction,
    PayoutReceipt,
    Probe,
    Provider,
    ProviderError,
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request as the log keeps it: no addresses filled in, no bodies."""

    method: str
    path: str  # the template
    status: int | None
    latency_ms: int


_exchanges: ContextVar[list[Exchange] | None] = ContextVar("exchanges", default=None)


@contextmanager
def recording() -> Iterator[list[Exchange]]:
    """Collect the exchanges of the calls made inside, by any adapter, in this thread."""
    collected: list[Exchange] = []
    token = _exchanges.set(collected)
    try:
        yield collected
    finally:
        _exchanges.reset(token)


CREATE_TIMEOUT = httpx.Timeout(connect=3, write=10, pool=5, read=30)


QUERY_TIMEOUT = httpx.Timeout(connect=3, write=10, pool=5, read=10)


class HttpProvider(Provider):
    """A provider reached by HTTP. `call()` is the only place that turns what happened into an error."""

    definite_no: ClassVar[frozenset[int]] = frozenset({400, 402, 404, 422})
    # Statuses, besides 429, with which this provider documents that nothing was created.
    nothing_created: ClassVar[frozenset[int]] = frozenset()

    def __init__(self, *, base_url: str, headers: Mapping[str, str], transport: httpx.BaseTransport | None = None):
        # No proxy or netrc of the environment may come between us and the provider; a redirect is an
        # answer we do not understand; a repeated send is a decision that is not the client's to make.
        self._client = httpx.Client(
            base_url=base_url,
            headers=dict(headers),
            transport=transport,
            trust_env=False,
            follow_redirects=False,
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        timeout: httpx.Timeout,
        ids: Mapping[str, str] | None = None,
        **request: Any,
    ) -> httpx.Response:
        """Make one request; `path` is a template filled with `ids`. Returns a 2xx answer or raises."""
        started, status = time.perf_counter(), None
        address = path.format(**{name: quote(value, safe="") for name, value in (ids or {}).items()})
        try:
            response = self._client.request(method, address, timeout=timeout, **request)
            status = response.status_code
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Misconfigured(f"the address of the provider is wrong: {type(error).__name__}") from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent(f"no connection: {type(error).__name__}") from error
        except httpx.RequestError as error:
            raise OutcomeUnknown(f"no answer: {type(error).__name__}") from error
        finally:
            collected = _exchanges.get()
            if collected is not None:
                elapsed = round((time.perf_counter() - started) * 1000)
                collected.append(Exchange(method, path, status, elapsed))
        if not response.is_success:
            raise self.error(response)
        return response

    def code_of(self, response: httpx.Response) -> str:
        """The provider's own code of a refusal. Never its prose, which may quote the player's data."""
        return str(response.status_code)

    def error(self, response: httpx.Response) -> ProviderError:
        """What an answer that is no 2xx means. Only an explicit no is a no."""
        status, code = response.status_code, self.code_of(response)
        words = f"answered {status}" if code == str(status) else f"answered {status}: {code.replace('_', ' ')}"
        if status == 429 or status in self.nothing_created:
            return NotAccepted(words, status=status, retry_after=_retry_after(response))
        if status in (401, 403):
            return Misconfigured(words, status=status)
        if status in self.definite_no:
            return Declined(words, code=code, status=status)
        return OutcomeUnknown(words, status=status)


class SearchableProvider(HttpProvider):
    """A provider that finds a payout by our key as well as by its own id: asking follows from the two."""

    @abstractmethod
    def by_id(self, provider_reference: str) -> PayoutReceipt:
        """The payout of that id. Raises Declined with status 404 if there is none."""

    @abstractmethod
    def by_key(self, key: str) -> PayoutReceipt | None:
        """The payout under our key; None if there is none. Raises OutcomeUnknown if there are several."""

    def get_status(self, instruction: PayoutInstruction) -> PayoutReceipt:
        if instruction.provider_reference:
            return self.by_id(instruction.provider_reference)
        receipt = self.by_key(instruction.key)
        if receipt is None:
            raise Declined("there is no payout under this key", code="not_found", status=404)
        return receipt

    def probe(self, instruction: PayoutInstruction) -> Probe:
        try:
            receipt = self.by_key(instruction.key)
        except ProviderError as error:
            return CannotTell(error.words)
        return Found(receipt) if receipt else NotFound()


def _retry_after(response: httpx.Response) -> int | None:
    told = response.headers.get("retry-after", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 7 else None
