"""Verifying what Flowpact sends to a webhook. Written by hand; the types of the events come from the contract."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterator, Mapping, Sequence

from flowpact.contract import WebhookPayloadVariant
from flowpact.errors import WebhookVerificationError
from flowpact.models.webhook_payload import WebhookPayload

WebhookEvent = WebhookPayloadVariant


def verify_webhook(
    payload: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance: float = 300,
    now: float | None = None,
) -> WebhookEvent:
    """The event in a message to a webhook, once it is certain that Flowpact has sent it: ``isinstance`` tells them apart.

    ``payload`` is the body as it came, before anything has parsed it; ``headers`` have names in any case. While a secret is
    rotated, both may be given. ``tolerance`` is how many seconds the message may be old, or ahead of this machine's clock;
    ``now`` is the time to hold it against, for tests. Raises ``WebhookVerificationError`` for a message that is not signed
    with the secret (Standard Webhooks 1.0), is too old, or is none that this version of the SDK knows.
    """
    id, timestamp, given = (_header(headers, f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise WebhookVerificationError("webhook-timestamp is not a number of seconds.")
    age = (time.time() if now is None else now) - int(timestamp)
    if abs(age) > tolerance:
        raise WebhookVerificationError(f"The message is {age:.0f} seconds old; {tolerance} are allowed.")
    body = payload.encode() if isinstance(payload, str) else payload
    signed = b".".join((id.encode(), timestamp.encode(), body))
    keys = [_key(each) for each in ([secret] if isinstance(secret, str) else secret)]
    signatures = list(_signatures(given))
    # All are compared, so that nothing is told by how long it takes.
    fits = [hmac.compare_digest(hmac.digest(key, signed, hashlib.sha256), each) for key in keys for each in signatures]
    if not any(fits):
        raise WebhookVerificationError("No signature fits: another secret, or a body that was changed on its way.")
    return _event(body)


def _header(headers: Mapping[str, str], name: str) -> str:
    found = next((value for key, value in headers.items() if key.lower() == name and value), None)
    if found is None:
        raise WebhookVerificationError(f"The header {name} is missing.")
    return found


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not key:
        # No message, cause or property of an error holds a secret.
        raise ValueError("The secret of a webhook is `whsec_` and base64.")
    return key


def _signatures(given: str) -> Iterator[bytes]:
    for part in given.split(" "):
        version, _, signature = part.partition(",")
        try:
            if version == "v1":
                yield base64.b64decode(signature, validate=True)
        except ValueError:
            continue


def _event(body: bytes) -> WebhookEvent:
    try:
        event = WebhookPayload.from_json(body.decode()).actual_instance
    except (ValueError, AttributeError) as error:
        raise WebhookVerificationError("The message is none that this version of the SDK knows.") from error
    assert event is not None
    return event
