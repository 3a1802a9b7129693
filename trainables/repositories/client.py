"""The client with which the hub's library sends its requests here: a time limit for each, no retries, a count.

The library would repeat some requests by itself, in several layers and for as long as the hub asks. Here a failure ends
the library's call at once, and `ask_hub` alone decides whether to ask again.
"""

from dataclasses import dataclass
from typing import Any

import httpx2
import huggingface_hub
import huggingface_hub.constants
from huggingface_hub.errors import OfflineModeIsEnabled

FAILURES = (httpx2.codes.REQUEST_TIMEOUT, httpx2.codes.TOO_MANY_REQUESTS)  # and every status from 500 up


class InterruptedRequestError(Exception):
    """A request that failed in a way that may pass. None of the library's handlers takes it.

    `response` is the hub's answer; without one, the cause is an error of the connection.
    """

    def __init__(self, response: httpx2.Response | None = None) -> None:
        super().__init__("the request failed")
        self.response = response


@dataclass(slots=True)
class RequestCount:
    """Requests to the hub in this process, redirects to its storage not counted."""

    api: int = 0
    files: int = 0
    repeated: int = 0  # questions that were asked again

    def __str__(self) -> str:
        again = f", {self.repeated} of them again after an error" if self.repeated else ""
        return f"{self.api + self.files} requests ({self.api} to its API, {self.files} for files{again})"


REQUESTS = RequestCount()


class HubClient(httpx2.Client):
    """A client that raises InterruptedRequestError for what may pass."""

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request once."""
        if huggingface_hub.constants.is_offline_mode():
            raise OfflineModeIsEnabled("HF_HUB_OFFLINE is set")
        _count(str(request.url))
        try:
            response = super().send(request, **options)
            if response.status_code in FAILURES or response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
                response.read()
                raise InterruptedRequestError(response)
        except (httpx2.TimeoutException, httpx2.TransportError) as error:
            raise InterruptedRequestError from error
        return response


def _count(url: str) -> None:
    path = url.removeprefix(huggingface_hub.constants.ENDPOINT)
    if path != url:
        is_api = path.startswith("/api/")
        REQUESTS.api += is_api
        REQUESTS.files += not is_api


def install_client() -> None:
    """Let the hub's library use a HubClient from now on."""
    if not isinstance(huggingface_hub.get_session(), HubClient):
        huggingface_hub.set_client_factory(_make_client)


def _make_client() -> HubClient:
    return HubClient(follow_redirects=True, timeout=float(huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT))
