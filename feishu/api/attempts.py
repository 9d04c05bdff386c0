"""When a failed call is sent again, and what an attempt's end is called in the records."""

import random

from feishu.api.endpoints import Endpoint, Retry
from feishu.errors import ApiError, FeishuError, RateLimited, ServerError, Timeout, TransportError, Unreachable

ATTEMPTS = 4
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
LONGEST_RATE_WAIT_S = 30.0
"""A wait the platform asks for beyond this is the caller's to decide."""


def wait_before_retry(endpoint: Endpoint, error: FeishuError, attempt: int) -> float | None:
    """Seconds until the call is sent again, or None when it is not."""
    if endpoint.retry is Retry.NEVER or attempt >= ATTEMPTS:
        return None
    if isinstance(error, RateLimited):
        return error.wait_s if error.wait_s <= LONGEST_RATE_WAIT_S else None
    if isinstance(error, ServerError | TransportError):
        longest_s = min(FIRST_WAIT_S * 2.0 ** (attempt - 1), LONGEST_WAIT_S)
        return longest_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing
    return None


def outcome_of(error: FeishuError) -> str:
    if isinstance(error, ApiError):
        return f"code {error.code}"
    if isinstance(error, Timeout):
        return "timeout"
    return "unreachable" if isinstance(error, Unreachable) else "bad reply"
