"""Which error a platform code is: one table, read in one function.

Meanings: open.feishu.cn/document (im-v1/message/{create,reply,update,delete}, message-card, cardkit-v1,
api-call-guide). The official SDK's own table misreads 230020 (a rate limit, not a recalled target) and 99991400
(a rate limit, not a missing permission); the documents are followed here.
"""

import math
import re
from collections.abc import Mapping

from feishu.errors import (
    ApiError,
    CardRejected,
    CredentialsRejected,
    Forbidden,
    Interacting,
    InvalidRequest,
    RateLimited,
    SequenceBehind,
    ServerError,
    StreamClosed,
    TargetGone,
    TokenRejected,
)

DEFAULT_WAIT_S = 1.0
MAX_WAIT_S = 60.0
CARD_CONTENT_FAILED = 230099
BAD_PARAMETER = 10002

CODES: dict[int, type[ApiError]] = {
    # access: tokens, credentials, scopes
    10003: CredentialsRejected,  # bad app_id
    10014: CredentialsRejected,  # app disabled
    10015: CredentialsRejected,  # wrong app secret
    99991401: Forbidden,  # IP not in the whitelist
    99991403: Forbidden,  # monthly quota exhausted
    99991661: TokenRejected,  # no token in the header
    99991663: TokenRejected,  # tenant token invalid or expired
    99991664: TokenRejected,  # app token invalid
    99991665: Forbidden,  # invalid tenant code
    99991668: TokenRejected,  # user token invalid
    99991671: TokenRejected,  # bad token format
    99991672: Forbidden,  # app scope missing
    99991673: Forbidden,  # app not available in the tenant
    99991677: TokenRejected,  # user token expired
    99991679: Forbidden,  # user scope missing
    # rates
    11232: RateLimited,
    11233: RateLimited,
    11247: RateLimited,
    230020: RateLimited,  # one chat, person or message
    99991400: RateLimited,  # one API
    # the platform's own trouble
    2200: ServerError,
    18121: ServerError,
    230049: ServerError,  # the message is being sent: ask again with the same uuid
    300120: ServerError,
    300121: ServerError,  # replace failed
    300122: ServerError,  # settings failed
    # the target
    200000: TargetGone,  # recalled (delayed update)
    200740: TargetGone,  # card entity missing
    200750: TargetGone,  # card entity expired (14 days)
    230011: TargetGone,  # message recalled
    230019: TargetGone,  # topic missing
    230029: TargetGone,  # user resigned
    230031: TargetGone,  # older than 14 days
    230110: TargetGone,  # message deleted
    230111: TargetGone,  # message self-destructed
    231003: TargetGone,  # message not found
    232009: TargetGone,  # chat dissolved
    300030: TargetGone,  # delayed-update token expired
    300040: TargetGone,  # delayed-update token used up
    # rights
    200310: Forbidden,  # another app's card
    230002: Forbidden,  # bot not in the group
    230006: Forbidden,  # bot ability off
    230013: Forbidden,  # user not in the app's availability
    230015: Forbidden,  # p2p share
    230017: Forbidden,  # resource of another app
    230018: Forbidden,  # the group's settings forbid it
    230026: Forbidden,  # no permission to recall
    230027: Forbidden,  # no permission, external group
    230035: Forbidden,  # send denied
    230038: Forbidden,  # cross tenant
    230050: Forbidden,  # invisible
    230053: Forbidden,  # the user stopped the bot
    300311: Forbidden,  # another app's card
    # content
    11235: CardRejected,  # @all not allowed
    11310: CardRejected,  # table or element limit
    11311: CardRejected,  # card format
    100000: CardRejected,  # over 100 KB
    100030: CardRejected,  # bad JSON
    100290: CardRejected,  # invalid user in at or person
    200220: CardRejected,  # content generation failed
    200380: CardRejected,  # template
    200381: CardRejected,  # template
    200530: CardRejected,  # form component without a name
    200550: CardRejected,  # chart
    200570: CardRejected,  # image key
    200621: CardRejected,  # card JSON parse
    200732: CardRejected,  # template variable
    200737: CardRejected,  # template variable
    200800: CardRejected,  # schema of the update differs
    200830: CardRejected,  # 2.0 to 1.0
    200860: CardRejected,  # over 30 KB
    200861: CardRejected,  # tag not in 2.0
    200914: CardRejected,  # table rows
    200915: CardRejected,  # table rows
    230022: CardRejected,  # sensitive content
    230025: CardRejected,  # too long
    230028: CardRejected,  # DLP audit
    CARD_CONTENT_FAILED: CardRejected,  # the inner ErrCode says what
    300301: CardRejected,  # duplicate element_id
    300302: CardRejected,  # update_multi is false
    300303: CardRejected,  # only schema 2.0
    300305: CardRejected,  # over 200 components
    300307: CardRejected,  # empty card
    300312: CardRejected,  # the tag cannot change
    300313: CardRejected,  # patch of an element failed (no such element_id)
    300314: CardRejected,  # delete of an element failed
    300315: CardRejected,  # add of an element failed
    # streaming
    200510: StreamClosed,  # streaming timed out
    200850: StreamClosed,  # streaming timed out, ten minutes after it was opened
    300309: StreamClosed,
    300317: SequenceBehind,
    200810: Interacting,
    # parameters
    BAD_PARAMETER: InvalidRequest,  # on messages: bot not in the chat
    200770: InvalidRequest,  # uuid used for other content
    230001: InvalidRequest,
    230009: InvalidRequest,  # too old to recall
    230034: InvalidRequest,  # receive_id
    230054: InvalidRequest,  # message type
    230055: InvalidRequest,  # file type
    230071: InvalidRequest,  # no thread support, or not the sender
    230072: InvalidRequest,  # aggregated message, or 20 edits reached
    230075: InvalidRequest,  # edit time over
    231001: InvalidRequest,  # emoji
    234003: InvalidRequest,  # file of another message
    234043: InvalidRequest,  # resource of this message type
    300020: InvalidRequest,  # delayed-update token format
    300090: InvalidRequest,  # open_ids missing
    300310: InvalidRequest,  # not a text element
    99992351: InvalidRequest,  # unknown open_id
    99992354: InvalidRequest,  # message_id
    99992361: InvalidRequest,  # open_id of another app
    99992402: InvalidRequest,  # field validation
}

_INNER_CODE = re.compile(r"ErrCode:\s*(\d{1,9})")
_TOKEN = re.compile(r"\b[atu]-[\w.-]{8,}")


def api_error(
    code: int, message: str, *, endpoint: str, path: str, http_status: int, log_id: str, headers: Mapping[str, str]
) -> ApiError:
    """The typed error of a refused call. `path` decides where a code means two things; `headers` tell the wait."""
    kind = _kind(code, path, http_status)
    shown = _TOKEN.sub("***", " ".join(message.split()))[:300]
    error = kind(code, shown, endpoint=endpoint, http_status=http_status, log_id=log_id)
    if isinstance(error, RateLimited):
        error.wait_s = _wait_s(headers)
    if isinstance(error, CardRejected):
        inner = _INNER_CODE.search(message) if code == CARD_CONTENT_FAILED else None
        error.sub_code = int(inner.group(1)) if inner else code
    return error


def _kind(code: int, path: str, http_status: int) -> type[ApiError]:
    if code == BAD_PARAMETER and "/im/" in path:
        return Forbidden
    if known := CODES.get(code):
        return known
    if http_status == 429:
        return RateLimited
    if http_status >= 500:
        return ServerError
    return ApiError


def _wait_s(headers: Mapping[str, str]) -> float:
    """Seconds the gateway asks to wait: `x-ogw-ratelimit-reset`, else `Retry-After`, else a default; 0.1 … 60."""
    for name in ("x-ogw-ratelimit-reset", "retry-after"):
        try:
            wait_s = float(headers.get(name, ""))
        except ValueError:
            continue
        if math.isfinite(wait_s):
            return min(max(wait_s, 0.1), MAX_WAIT_S)
    return DEFAULT_WAIT_S
