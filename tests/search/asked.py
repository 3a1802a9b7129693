"""The request of a command line."""

from search.request.options import parse_options
from search.request.request import SweepRequest, make_request


def request_of(*flags: object) -> SweepRequest:
    """What `search/run.py` makes of these flags."""
    return make_request(parse_options([str(flag) for flag in flags]))
