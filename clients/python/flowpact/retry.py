"""When a call is made again, and after how long. Written by hand."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import urllib3

from flowpact.contract import IDEMPOTENCY_HEADER
from flowpact.errors import APIConnectionError, APITimeoutError, retry_after
from flowpact.exceptions import ApiException
from flowpact.rest import RESTResponse

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})


@dataclass(frozen=True)
class RetryPolicy:
    """How often and when a call is repeated; times are seconds."""

    #: Attempts after the first.
    max_retries: int = 2
    #: Before the first retry; doubles with each further one.
    base_delay: float = 0.5
    #: Most that a computed delay may be.
    max_delay: float = 8.0
    #: A ``Retry-After`` above it is not waited for: the error is raised at once.
    max_retry_after: float = 60.0
    #: Used instead of ``time.sleep``.
    sleep: Callable[[float], object] = time.sleep
    #: Used instead of ``random.random`` for jitter.
    random: Callable[[], float] = random.random

    def delay(self, attempt: int, headers: Mapping[str, str] | None = None) -> float | None:
        """Seconds before the attempt after ``attempt`` (0 is the first); None where it should not be made."""
        asked = retry_after(headers or {})
        if asked is not None:
            return asked if asked <= self.max_retry_after else None
        exponential = min(self.max_delay, self.base_delay * 2**attempt)
        # Spread over the upper half, so that clients that failed together do not return together.
        return float(exponential * (0.5 + self.random() / 2))


class Answer(RESTResponse):
    """The answer to one call. It is sent when this is made, and again, as the policy says, until an answer is complete."""

    def __init__(
        self, send: Callable[[], RESTResponse], method: str, headers: Mapping[str, str], policy: RetryPolicy
    ) -> None:
        self._send = send
        self._policy = policy
        self._attempt = 0
        self._has_key = any(name.lower() == IDEMPOTENCY_HEADER.lower() for name in headers)
        # Sending it twice has the effect of sending it once (RFC 9110 section 9.2.2, or an idempotency key).
        self._repeatable = self._has_key or method in _SAFE
        super().__init__(self._open())

    def read(self):
        while True:
            try:
                return super().read()
            except (urllib3.exceptions.HTTPError, OSError) as error:
                self._pause(error)
                super().__init__(self._open())

    def _open(self) -> urllib3.BaseHTTPResponse:
        while True:
            try:
                answer = self._send()
            except (urllib3.exceptions.HTTPError, OSError) as error:
                self._pause(error)
                continue
            except ApiException as error:  # What the generated code makes of a TLS failure.
                raise APIConnectionError(error.reason) from error
            delay = self._delay_after(answer)
            if delay is None:
                return answer.response
            answer.response.drain_conn()
            self._attempt += 1
            self._policy.sleep(delay)

    def _delay_after(self, answer: RESTResponse) -> float | None:
        if self._attempt >= self._policy.max_retries or not self._may_help(answer):
            return None
        return self._policy.delay(self._attempt, answer.headers)

    def _may_help(self, answer: RESTResponse) -> bool:
        if answer.status == 429:  # Never ran.
            return True
        if answer.status == 409:  # An earlier attempt with the same key is still at work.
            return self._has_key and "Retry-After" in answer.headers
        return self._repeatable and (answer.status == 408 or answer.status >= 500)

    def _pause(self, error: Exception) -> None:
        delay = self._policy.delay(self._attempt)
        if self._attempt >= self._policy.max_retries or not self._repeatable or delay is None:
            raise _connection_error(error) from error
        self._attempt += 1
        self._policy.sleep(delay)


def _connection_error(error: Exception) -> APIConnectionError:
    if isinstance(error, (urllib3.exceptions.TimeoutError, TimeoutError)):
        return APITimeoutError(f"no answer in time: {error}")
    return APIConnectionError(f"no answer from the server: {error}")
