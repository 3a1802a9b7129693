"""Questions to the hub: asked again where that may help, counted, and answered in one line where they fail.

"It cannot be asked" is never taken for "it does not have it": only the status 404 means that the hub lacks something.
"""

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx2
import huggingface_hub
import huggingface_hub.constants
from huggingface_hub.errors import FileMetadataError, HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]
from huggingface_hub.utils import logging as hub_logging

from spaces.errors import UsageError, first_line_of
from trainables.repositories.client import REQUESTS, InterruptedRequestError, install_client

WAITS = (1.0, 2.0, 4.0, 8.0)  # seconds before the second to the fifth try, where the hub names no time
TRIES_WITHOUT_NETWORK = 3
LONGEST_WAIT = 300.0  # seconds that are waited if the hub asks for it: its limits count over five minutes
TOLD_WAIT = 5.0  # seconds from which on a wait is told
MOST_REASON = 160  # characters of a library's message

Answer = TypeVar("Answer")


class HubError(UsageError, ConnectionError):
    """The hub cannot be asked, or refuses to answer: whether it has something is unknown. Another try may succeed."""


class NoNetworkError(HubError):
    """The hub cannot be reached at all, or must not be asked (HF_HUB_OFFLINE=1)."""


class AbsentError(UsageError):
    """The hub says that it does not have something (404)."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a question failed. `wait` is the number of seconds the hub asks for, None if it names none."""

    reason: str
    remedy: str
    may_pass: bool = False
    wait: float | None = None
    error: type[UsageError] = HubError


def ask_hub(about: str, question: Callable[[], Answer]) -> Answer:
    """Return the answer to a question about a repository.

    Raises AbsentError if the hub lacks it, NoNetworkError without a hub, and HubError for every other failure. Many
    tasks ask for the same: a question that failed is not asked again in this process.
    """
    if about in FAILED:
        raise FAILED[about]
    _prepare_client()
    for number, wait in enumerate((*WAITS, None), start=1):
        try:
            return question()
        except UsageError:
            raise
        except Exception as error:  # the clients raise errors of several libraries
            fault = _explain(error)
            told = fault.wait or 0.0
            if not fault.may_pass or wait is None or told > LONGEST_WAIT or _is_cut_off(fault, number):
                FAILED[about] = fault.error(f"{about}: {fault.reason}. {fault.remedy}")
                raise FAILED[about] from error
            REQUESTS.repeated += 1
            if told >= TOLD_WAIT:
                sys.stderr.write(f"{about}: {fault.reason}; it wants to be asked again in {told:.0f} seconds.\n")
            time.sleep(told or wait)
    raise AssertionError("the last try returns or raises")


FAILED: dict[str, UsageError] = {}  # by what was asked for
_is_without_network = False  # found out by a question before: others are then tried once


def _is_cut_off(fault: _Fault, number: int) -> bool:
    """Return True if this try shows that there is no network; of one, all later questions may go without retries."""
    global _is_without_network
    if fault.error is not NoNetworkError:
        _is_without_network = False
    elif number == TRIES_WITHOUT_NETWORK:
        _is_without_network = True
    return _is_without_network


def _prepare_client() -> None:
    hub_logging.set_verbosity(logging.ERROR)
    disable_progress_bars()  # a sweep has its own progress
    install_client()


def _explain(error: BaseException) -> _Fault:
    """Say why a question failed, and what may help."""
    cause = error.__cause__
    if isinstance(error, InterruptedRequestError) and error.response is not None:
        return _explain_status(error.response)
    if isinstance(error, LocalEntryNotFoundError | InterruptedRequestError) and cause is not None:
        return _explain(cause)
    if isinstance(error, HfHubHTTPError) and error.response is not None:
        return _explain_status(error.response)
    if isinstance(error, httpx2.HTTPStatusError):
        return _explain_status(error.response)
    reason = _shorten(error)
    if isinstance(error, OfflineModeIsEnabled):
        remedy = "Unset HF_HUB_OFFLINE, or download the files before."
        return _Fault("HF_HUB_OFFLINE is set, and the cache does not have it", remedy, error=NoNetworkError)
    if isinstance(error, FileMetadataError):
        remedy = "Let the proxy pass the headers X-Repo-Commit and ETag, or check HF_ENDPOINT."
        return _Fault("the answer lacks the hub's headers; a proxy or mirror stands between", remedy)
    if "CERTIFICATE" in reason.upper():
        remedy = "Name the certificates of your network in SSL_CERT_FILE."
        return _Fault(f"no trusted connection to the hub ({reason})", remedy)
    if isinstance(error, httpx2.TimeoutException):
        limit = huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT
        remedy = "Set a longer HF_HUB_DOWNLOAD_TIMEOUT (seconds), or try again later."
        return _Fault(f"no answer from the hub within {limit} seconds", remedy, may_pass=True)
    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
        remedy = "Check the network and HF_ENDPOINT, or give --data DIR to read a local folder."
        return _Fault(f"cannot reach the hub ({reason})", remedy, may_pass=True, error=NoNetworkError)
    if isinstance(error, httpx2.TransportError):
        return _Fault(f"the connection to the hub broke ({reason})", "Try again later.", may_pass=True)
    if isinstance(error, OSError) and "Consistency check failed" in str(error):
        return _Fault("the download ended before the whole file was there", "Try again later.", may_pass=True)
    if re.search(r"xet|\bcas\b", f"{type(error).__module__} {error}", re.IGNORECASE):
        remedy = "Set HF_HUB_DISABLE_XET=1 to download without it."
        return _Fault(f"the hub's xet storage failed ({reason})", remedy, may_pass=True)
    if isinstance(error, json.JSONDecodeError):
        remedy = "Check HF_ENDPOINT, and whether a proxy or a login page answers in its place."
        return _Fault("the answer is not the hub's", remedy)
    if isinstance(error, OSError) and error.errno is not None:
        return _Fault(f"the cache cannot be used ({reason})", "Name another folder in HF_HOME.")
    return _Fault(f"the question to the hub failed ({type(error).__name__}: {reason})", "Try again later.")


def _explain_status(response: httpx2.Response) -> _Fault:
    status, code = response.status_code, response.headers.get("X-Error-Code", "")
    words = _shorten(response.headers.get("X-Error-Message", ""))
    said = f"the hub answers {status}" + (f" ({words.rstrip('.')})" if words else "")
    if status == httpx2.codes.NOT_FOUND:
        return _Fault(said, "Check the name.", error=AbsentError)
    if code == "GatedRepo" or "gated" in words.lower():
        remedy = "Accept its terms on its page of the hub, and set HF_TOKEN to a token of that account."
        return _Fault(f"the hub answers {status}: the repository is gated", remedy)
    if status == httpx2.codes.UNAUTHORIZED:
        remedy = (
            "It is private or gated, or does not exist: check the name, and set HF_TOKEN to a token that may read it."
        )
        return _Fault(said, remedy)
    if status == httpx2.codes.FORBIDDEN:
        return _Fault(said, "Set HF_TOKEN to a token that may read it, and accept its terms if it is gated.")
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        wait = _read_wait(response)
        after = f"in {wait:.0f} seconds" if wait else "in five minutes"
        remedy = f"Start again {after}; with a token in HF_TOKEN the hub answers more requests."
        return _Fault("the hub answers 429: too many requests", remedy, may_pass=True, wait=wait)
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR or status == httpx2.codes.REQUEST_TIMEOUT:
        return _Fault(
            said, "The hub has a fault of its own: try again later.", may_pass=True, wait=_read_wait(response)
        )
    return _Fault(said, "Try again later, or give --data DIR to read a local folder.")


def _read_wait(response: httpx2.Response) -> float | None:
    """Return the seconds after which the hub wants to be asked again."""
    told = response.headers.get("Retry-After", "").strip()
    if told.isdecimal():
        return float(told)
    left = re.search(r"\br=0\b.*?\bt=(\d+)", response.headers.get("RateLimit", ""))
    return float(left[1]) + 1 if left else None


def _shorten(error: BaseException | str) -> str:
    """Return the first line of a message, without the ids of requests and without the closing stop."""
    text = error if isinstance(error, str) else first_line_of(error)
    text = re.sub(r"\s*\(?Request ID: [^)\s]*\)?", "", text, flags=re.IGNORECASE)
    return text.strip().rstrip(".")[:MOST_REASON]
