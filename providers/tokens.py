"""Providers called under a token of OAuth 2: fetched with client credentials, kept until shortly before its end."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from providers import contract
from providers.bodies import read, whole
from providers.http import QUERY_TIMEOUT, HttpProvider, recording

EARLY = timedelta(minutes=1)  # before its end a token is no longer used
LONGEST = 86_400  # seconds that one is kept, whatever was told


class TokenProvider(HttpProvider):
    """Calls by `ask()`. The token is kept by this process alone; two threads may fetch one each, which harms nobody."""

    def __init__(
        self, *, base_url: str, sign_in_at: str, client: tuple[str, str], transport: httpx.BaseTransport | None = None
    ):
        """`client`: its id and its secret."""
        self._sign_in_at, self._client_credentials = sign_in_at, client
        self._token, self._until = "", datetime.min.replace(tzinfo=UTC)
        super().__init__(base_url=base_url, headers={}, transport=transport)

    def ask(
        self, method: str, path: str, *, timeout: httpx.Timeout, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One call under the token; once more under a new one if the one that was kept is refused.

        So too with a create: who is not let in has had nothing accepted, and the request is the very same.
        """
        if datetime.now(UTC) < self._until:
            try:
                return self.call(method, path, timeout=timeout, headers=_under(self._token, headers), **more)
            except contract.Misconfigured as refused:
                if refused.status != 401:
                    raise
        return self.call(method, path, timeout=timeout, headers=_under(self._sign_in(), headers), **more)

    def _sign_in(self) -> str:
        """Fetch a token. Whatever goes wrong here, the call that it was for has not been sent."""
        asked, grant = datetime.now(UTC), {"grant_type": "client_credentials"}
        try:
            with recording():  # apart: the log of calls has the call itself
                answer = self.call(
                    "POST", self._sign_in_at, timeout=QUERY_TIMEOUT, auth=self._client_credentials, data=grant
                )
            token, seconds = read(answer, lambda body: (_token(body), whole(body, "expires_in")))
        except contract.Declined as error:
            raise contract.Misconfigured(f"signing in: {error.words}", status=error.status) from error
        except contract.OutcomeUnknown as error:
            raise contract.NotSent(f"signing in: {error.words}", status=error.status) from error
        self._token, self._until = token, asked + timedelta(seconds=max(0, min(seconds, LONGEST))) - EARLY
        return token


def _under(token: str, headers: Mapping[str, str] | None) -> dict[str, str]:
    return {**(headers or {}), "Authorization": f"Bearer {token}"}


def _token(body: Any) -> str:
    """Longer than the texts that are stored, but a header."""
    token = body["access_token"]
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,4096}", token):
        raise ValueError("this is no token")
    return token
