"""What can go wrong, as exceptions. Written by hand; where an answer has its code and details, the contract says.

``flowpact.models`` has classes of some of the same names: those are the bodies of answers and cannot be raised.
"""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Mapping
from typing import Any, cast

from flowpact.contract import ERRORS, REQUEST_ID_HEADER
from flowpact.exceptions import (
    ApiException,
    BadRequestException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
    ServiceException,
    UnauthorizedException,
    UnprocessableEntityException,
)


class FlowpactError(Exception):
    """Every error of this SDK. No message of one holds a credential."""


class APIError(FlowpactError, ApiException):
    """The server answered with an error; subclasses tell the statuses apart."""

    status: int
    #: Stable code of the contract, ``resource_not_found``; None where the answer had none.
    code: str | None
    message: str
    #: Quote it when asking for help.
    request_id: str | None
    details: dict[str, Any]
    #: Seconds to wait, where the server said so.
    retry_after: float | None

    def __init__(self, cause: ApiException) -> None:
        super().__init__(status=cause.status, reason=cause.reason, body=cause.body, data=cause.data)
        self.headers = cause.headers
        headers: Mapping[str, str] = cause.headers or {}
        media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        pointers = ERRORS.get(media_type) or next(iter(ERRORS.values()))
        body = _parsed(cause.body)
        said = {name: _at(body, pointer) for name, pointer in pointers.items()}
        self.code = _text(said.get("code"))
        self.message = _text(said.get("message")) or self.reason or "the server answered with an error"
        self.request_id = headers.get(REQUEST_ID_HEADER) or _text(said.get("requestId"))
        details, problems = said.get("details"), said.get("problems")
        self.details = details if isinstance(details, dict) else {}
        self._problems = problems if isinstance(problems, list) else []
        self.retry_after = retry_after(headers)

    def __str__(self) -> str:
        code = f" {self.code}" if self.code else ""
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.status}{code}: {self.message}{request}"


class ValidationError(APIError, BadRequestException):
    """400: the request does not fit the contract."""

    @property
    def problems(self) -> list[dict[str, Any]]:
        """Every reason, with ``field``, ``message`` and ``location``."""
        return [problem for problem in self._problems if isinstance(problem, dict)]


class AuthenticationError(APIError, UnauthorizedException):
    """401: no credential, or one that is wrong, expired or revoked."""


class PermissionDeniedError(APIError, ForbiddenException):
    """403: the credential lacks a scope."""

    @property
    def required_scopes(self) -> list[str]:
        return _texts(self.details.get("required_scopes"))

    @property
    def missing_scopes(self) -> list[str]:
        return _texts(self.details.get("missing_scopes"))


class NotFoundError(APIError, NotFoundException):
    """404: it does not exist, or belongs to another organisation."""


class ConflictError(APIError, ConflictException):
    """409: the state of the thing does not allow it now."""


class UnprocessableError(APIError, UnprocessableEntityException):
    """422: understood and refused, such as an idempotency key used again with another body."""


class RateLimitError(APIError):
    """429: over the limit of the key or the plan; ``retry_after`` says for how long."""


class ServerError(APIError, ServiceException):
    """5xx."""


class APIConnectionError(FlowpactError):
    """No complete answer arrived: refused, reset, name not found, broken off."""


class APITimeoutError(APIConnectionError):
    """No answer within the time allowed."""


class StreamError(APIConnectionError):
    """An event stream broke and could not be taken up again."""


class WebhookVerificationError(FlowpactError):
    """The message is not from whom it should be, or not of now: answer 400 and do nothing."""


_KINDS: dict[int, type[APIError]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitError,
}


def api_error(cause: ApiException) -> APIError:
    """The error of the class that stands for the status."""
    status = cast(int, cause.status)
    return _KINDS.get(status, ServerError if status >= 500 else APIError)(cause)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of ``Retry-After``, which may also be a date (RFC 9110 section 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _parsed(body: str | None) -> Any:
    try:
        return json.loads(body or "null")
    except ValueError:
        return None


def _at(value: Any, pointer: str) -> Any:
    """RFC 6901; None where nothing is."""
    for token in pointer.split("/")[1:]:
        value = value.get(token.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
