"""The client. Written by hand over what openapi-generator makes: credentials, retries, deadlines, typed errors."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import urllib3

from flowpact import __version__
from flowpact.configuration import Configuration
from flowpact.contract import IDEMPOTENCY_HEADER, IDEMPOTENT
from flowpact.errors import api_error
from flowpact.exceptions import ApiException
from flowpact.follow import Event, follow
from flowpact.resources import Resources
from flowpact.retry import Answer, RetryPolicy


class Flowpact(Resources):
    """The Flowpact platform: a property for each resource, ``client.workflows.get_workflow("wf_...")``.

    Without a credential only public operations work, such as ``client.auth.login``. ``timeout`` is seconds for each
    attempt; a call may have its own as ``_request_timeout``. ``settings`` go to ``flowpact.Configuration``: proxies, TLS.
    """

    def __init__(
        self,
        base_url: str = "http://localhost:3000",
        *,
        api_key: str | None = None,
        access_token: str | None = None,
        timeout: float = 60.0,
        retry: RetryPolicy = RetryPolicy(),
        **settings: Any,
    ) -> None:
        configuration = Configuration(
            host=base_url.rstrip("/"),
            api_key={"ApiKeyHeader": api_key} if api_key else None,
            access_token=access_token,
            # Retries are made here. A redirect would carry the key to another host.
            retries=urllib3.Retry(False),
            **settings,
        )
        super().__init__(configuration)
        self.user_agent = f"flowpact-python/{__version__}"
        self.timeout = timeout
        self.retry = retry

    def follow(
        self,
        execution_id: str,
        *,
        last_event_id: int | None = None,
        idle_timeout: float = 60.0,
        max_reconnects: int = 5,
    ) -> Iterator[Event]:
        """The events of an execution, from its beginning to its end: see ``flowpact.follow.follow``."""
        return follow(
            self,
            execution_id,
            last_event_id=last_event_id,
            idle_timeout=idle_timeout,
            max_reconnects=max_reconnects,
        )

    def param_serialize(
        self, method, resource_path, path_params=None, query_params=None, header_params=None, *rest, **named
    ):
        """One key for each call of an operation that takes one, kept over its retries."""
        for name, value in (path_params or {}).items():
            # It would turn the URL into that of another operation.
            if str(value) in ("", ".", ".."):
                raise ValueError(f"{name} must not be {str(value)!r}")
        headers = dict(header_params or {})
        if (method, resource_path) in IDEMPOTENT and not any(_is_key(name) for name in headers):
            headers[IDEMPOTENCY_HEADER] = str(uuid.uuid4())
        return super().param_serialize(method, resource_path, path_params, query_params, headers, *rest, **named)

    def call_api(
        self, method, url, header_params=None, body=None, post_params=None, _request_timeout=None
    ) -> Answer:
        headers = header_params or {}
        timeout = _request_timeout or self.timeout

        def send():
            # A copy, since the generated code takes headers out.
            return self.rest_client.request(method, url, dict(headers), body, post_params, timeout)

        return Answer(send, method, headers, self.retry)

    def response_deserialize(self, response_data, response_types_map=None):
        try:
            return super().response_deserialize(response_data, response_types_map)
        except ApiException as error:
            raise api_error(error) from None


def _is_key(name: str) -> bool:
    return name.lower() == IDEMPOTENCY_HEADER.lower()
