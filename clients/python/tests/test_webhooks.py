"""Messages to webhooks: what is signed is verified, everything else is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import unittest

from flowpact.errors import WebhookVerificationError
from flowpact.models import WebhookTestWebhook
from flowpact.webhooks import WebhookEvent, verify_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW = 1_763_807_400
BODY = json.dumps(
    {
        "id": "evt_01kaq5f2m8e3s4t5v6w7x8y9z0",
        "type": "webhook.test",
        "timestamp": "2026-11-22T10:29:59.131Z",
        "data": {"webhook_id": "wh_01kaq5d2m8e3s4t5v6w7x8y9z0", "message": "ü"},
    },
    ensure_ascii=False,
)


def signed(body: str = BODY, *, by: str = SECRET, at: int = NOW) -> dict[str, str]:
    key = base64.b64decode(by.removeprefix("whsec_"))
    signature = hmac.digest(key, f"evt_1.{at}.{body}".encode(), hashlib.sha256)
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


class Verified(unittest.TestCase):
    def assertVerified(self, event: WebhookEvent) -> None:
        assert isinstance(event, WebhookTestWebhook)
        self.assertEqual(event.data.webhook_id, "wh_01kaq5d2m8e3s4t5v6w7x8y9z0")

    def test_the_example_of_the_specification_is_verified(self) -> None:
        # What the reference libraries of Standard Webhooks hold themselves against; its body is no event.
        headers = {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
        with self.assertRaisesRegex(WebhookVerificationError, "none that this version"):
            verify_webhook('{"test": 2432232314}', headers, SECRET, now=1_614_265_330)

    def test_text_bytes_and_names_in_capitals_are_the_same(self) -> None:
        upper = {name.upper(): value for name, value in signed().items()}
        for payload in (BODY, BODY.encode()):
            for headers in (signed(), upper):
                self.assertVerified(verify_webhook(payload, headers, SECRET, now=NOW))

    def test_a_second_signature_that_is_meant_for_another_key_does_no_harm(self) -> None:
        headers = {**signed(), "webhook-signature": f"v1,AAAA v1a,xyz {signed()['webhook-signature']}"}
        self.assertVerified(verify_webhook(BODY, headers, SECRET, now=NOW))

    def test_during_a_rotation_either_secret_will_do(self) -> None:
        self.assertVerified(verify_webhook(BODY, signed(by=OTHER), [SECRET, OTHER], now=NOW))
        both = f"{signed()['webhook-signature']} {signed(by=OTHER)['webhook-signature']}"
        for secret in (SECRET, OTHER):
            self.assertVerified(verify_webhook(BODY, {**signed(), "webhook-signature": both}, secret, now=NOW))

    def test_the_tolerance_can_be_another(self) -> None:
        self.assertVerified(verify_webhook(BODY, signed(at=NOW - 900), SECRET, now=NOW, tolerance=900))


class Refused(unittest.TestCase):
    def assertRefused(self, message: str, payload: str | bytes, headers: dict[str, str], secret: str = SECRET) -> None:
        with self.assertRaisesRegex(WebhookVerificationError, message):
            verify_webhook(payload, headers, secret, now=NOW)

    def test_another_secret_body_or_id(self) -> None:
        self.assertRefused("No signature fits", BODY, signed(), OTHER)
        self.assertRefused("No signature fits", BODY + " ", signed())
        self.assertRefused("No signature fits", BODY, {**signed(), "webhook-id": "evt_2"})

    def test_signatures_that_are_none(self) -> None:
        for signature in ("v1", "v1,", "v1,%%%", "v1,ü", "v2,AAAA", "AAAA"):
            self.assertRefused("No signature fits", BODY, {**signed(), "webhook-signature": signature})

    def test_a_message_that_is_too_old_or_too_new(self) -> None:
        for seconds in (-301, 301):
            self.assertRefused("seconds old", BODY, signed(at=NOW - seconds))

    def test_a_header_that_is_missing_or_no_number(self) -> None:
        for name in signed():
            headers = {key: value for key, value in signed().items() if key != name}
            self.assertRefused(f"{name} is missing", BODY, headers)
        self.assertRefused("not a number", BODY, {**signed(), "webhook-timestamp": "soon"})
        self.assertRefused("not a number", BODY, {**signed(), "webhook-timestamp": "١٢٣"})

    def test_what_is_no_event_of_this_version(self) -> None:
        for body in ('{"type":"moon.landed"}', '{"type":"webhook.test"}', "{}", "[]", "null", "1", "text"):
            self.assertRefused("none that this version", body, signed(body))

    def test_a_secret_that_is_none_is_not_shown(self) -> None:
        for secret in ("whsec_%%%", "whsec_", ""):
            with self.assertRaisesRegex(ValueError, "^The secret of a webhook is `whsec_` and base64.$"):
                verify_webhook(BODY, signed(), secret, now=NOW)


if __name__ == "__main__":
    unittest.main()
