"""Which error a platform code is and what is done about it: one table, read by two functions.

Meanings: open.feishu.cn/document (im-v1/message/{create,reply,update,delete}, message-card, cardkit-v1,
api-call-guide). The official SDK's own table misreads 230020 (a rate limit, not a recalled target) and 99991400
(a rate limit, not a missing permission); the documents are followed here.
"""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from feishu.api.recovery import Remedy
from feishu.errors import (
    ApiError,
    CardRejected,
    CredentialsRejected,
    FeishuError,
    Forbidden,
    Interacting,
    InvalidRequest,
    RateLimited,
    SequenceBehind,
    ServerError,
    StreamClosed,
    TargetGone,
    TokenRejected,
    TooManyConnections,
)

DEFAULT_WAIT_S = 1.0
MAX_WAIT_S = 60.0
CARD_CONTENT_FAILED = 230099
BAD_PARAMETER = 10002


class Meaning(NamedTuple):
    """One row of the table."""

    error: type[ApiError]
    remedy: Remedy


CODES: dict[int, Meaning] = {
    # access: tokens, credentials, scopes
    10003: Meaning(CredentialsRejected, Remedy.LATER),  # bad app_id
    10014: Meaning(CredentialsRejected, Remedy.LATER),  # app disabled
    10015: Meaning(CredentialsRejected, Remedy.LATER),  # wrong app secret
    99991401: Meaning(Forbidden, Remedy.LATER),  # IP not in the whitelist
    99991403: Meaning(Forbidden, Remedy.LATER),  # monthly quota exhausted
    99991661: Meaning(TokenRejected, Remedy.WAIT),  # no token in the header
    99991663: Meaning(TokenRejected, Remedy.WAIT),  # tenant token invalid or expired
    99991664: Meaning(TokenRejected, Remedy.WAIT),  # app token invalid
    99991665: Meaning(Forbidden, Remedy.LATER),  # invalid tenant code
    99991668: Meaning(TokenRejected, Remedy.WAIT),  # user token invalid
    99991671: Meaning(TokenRejected, Remedy.WAIT),  # bad token format
    99991672: Meaning(Forbidden, Remedy.NEW_MESSAGE),  # app scope missing
    99991673: Meaning(Forbidden, Remedy.LATER),  # app not available in the tenant
    99991677: Meaning(TokenRejected, Remedy.WAIT),  # user token expired
    99991679: Meaning(Forbidden, Remedy.LATER),  # user scope missing
    # the long connection's endpoint and handshake (lark-oapi ws/const.py)
    1: Meaning(ServerError, Remedy.WAIT),  # busy
    403: Meaning(Forbidden, Remedy.LATER),  # not a custom app, or not allowed to connect
    514: Meaning(CredentialsRejected, Remedy.LATER),  # authentication failed
    1000040343: Meaning(ServerError, Remedy.WAIT),  # internal error
    1000040344: Meaning(CredentialsRejected, Remedy.LATER),  # no credential
    1000040350: Meaning(TooManyConnections, Remedy.LATER),  # 50 connections of the app are open
    1000040351: Meaning(ServerError, Remedy.WAIT),  # seen as "system busy"
    # rates
    11232: Meaning(RateLimited, Remedy.WAIT),
    11233: Meaning(RateLimited, Remedy.WAIT),
    11247: Meaning(RateLimited, Remedy.WAIT),
    1061045: Meaning(RateLimited, Remedy.WAIT),  # downloads
    1069923: Meaning(RateLimited, Remedy.WAIT),  # exports
    1254290: Meaning(RateLimited, Remedy.WAIT),  # bitables
    230020: Meaning(RateLimited, Remedy.WAIT),  # one chat, person or message
    99991400: Meaning(RateLimited, Remedy.WAIT),  # one API
    # the platform's own trouble
    2200: Meaning(ServerError, Remedy.WAIT),
    18121: Meaning(ServerError, Remedy.WAIT),
    230049: Meaning(ServerError, Remedy.WAIT),  # the message is being sent: ask again with the same uuid
    300120: Meaning(ServerError, Remedy.WAIT),
    300121: Meaning(ServerError, Remedy.WAIT),  # replace failed
    300122: Meaning(ServerError, Remedy.WAIT),  # settings failed
    1255001: Meaning(ServerError, Remedy.WAIT),  # bitable: internal error
    1255002: Meaning(ServerError, Remedy.WAIT),
    1255003: Meaning(ServerError, Remedy.WAIT),
    1255004: Meaning(ServerError, Remedy.WAIT),
    1255005: Meaning(ServerError, Remedy.WAIT),
    1255040: Meaning(ServerError, Remedy.WAIT),  # bitable: timed out
    1254607: Meaning(ServerError, Remedy.WAIT),  # bitable: data not ready
    1315201: Meaning(ServerError, Remedy.WAIT),  # spreadsheet: server error
    1315203: Meaning(ServerError, Remedy.WAIT),
    1315210: Meaning(ServerError, Remedy.WAIT),
    # the target
    200000: Meaning(TargetGone, Remedy.STOP),  # recalled (delayed update)
    200740: Meaning(TargetGone, Remedy.NEW_MESSAGE),  # card entity missing
    200750: Meaning(TargetGone, Remedy.NEW_MESSAGE),  # card entity expired (14 days)
    230011: Meaning(TargetGone, Remedy.STOP),  # message recalled
    230019: Meaning(TargetGone, Remedy.STOP),  # topic missing
    230029: Meaning(TargetGone, Remedy.STOP),  # user resigned
    230031: Meaning(TargetGone, Remedy.NEW_MESSAGE),  # older than 14 days
    230110: Meaning(TargetGone, Remedy.STOP),  # message deleted
    230111: Meaning(TargetGone, Remedy.STOP),  # message self-destructed
    231003: Meaning(TargetGone, Remedy.STOP),  # message not found
    232009: Meaning(TargetGone, Remedy.STOP),  # chat dissolved
    300030: Meaning(TargetGone, Remedy.FULL_UPDATE),  # delayed-update token expired
    300040: Meaning(TargetGone, Remedy.FULL_UPDATE),  # delayed-update token used up
    # rights
    200310: Meaning(Forbidden, Remedy.NEW_MESSAGE),  # another app's card
    230002: Meaning(Forbidden, Remedy.STOP),  # bot not in the group
    230006: Meaning(Forbidden, Remedy.LATER),  # bot ability off
    230013: Meaning(Forbidden, Remedy.STOP),  # user not in the app's availability
    230015: Meaning(Forbidden, Remedy.STOP),  # p2p share
    230017: Meaning(Forbidden, Remedy.REPAIR),  # resource of another app
    230018: Meaning(Forbidden, Remedy.LATER),  # the group's settings forbid it
    230026: Meaning(Forbidden, Remedy.STOP),  # no permission to recall
    230027: Meaning(Forbidden, Remedy.STOP),  # no permission, external group
    230035: Meaning(Forbidden, Remedy.STOP),  # send denied
    230038: Meaning(Forbidden, Remedy.STOP),  # cross tenant
    230050: Meaning(Forbidden, Remedy.STOP),  # invisible
    230053: Meaning(Forbidden, Remedy.STOP),  # the user stopped the bot
    300311: Meaning(Forbidden, Remedy.NEW_MESSAGE),  # another app's card
    # content
    11235: Meaning(CardRejected, Remedy.REPAIR),  # @all not allowed
    11310: Meaning(CardRejected, Remedy.REPAIR),  # table or element limit
    11311: Meaning(CardRejected, Remedy.REPAIR),  # card format
    100000: Meaning(CardRejected, Remedy.PLAIN_TEXT),  # over 100 KB
    100030: Meaning(CardRejected, Remedy.REPAIR),  # bad JSON
    100290: Meaning(CardRejected, Remedy.REPAIR),  # invalid user in at or person
    200220: Meaning(CardRejected, Remedy.REPAIR),  # content generation failed
    200380: Meaning(CardRejected, Remedy.REPAIR),  # template
    200381: Meaning(CardRejected, Remedy.REPAIR),  # template
    200530: Meaning(CardRejected, Remedy.REPAIR),  # form component without a name
    200550: Meaning(CardRejected, Remedy.REPAIR),  # chart
    200570: Meaning(CardRejected, Remedy.REPAIR),  # image key
    200621: Meaning(CardRejected, Remedy.REPAIR),  # card JSON parse
    200732: Meaning(CardRejected, Remedy.REPAIR),  # template variable
    200737: Meaning(CardRejected, Remedy.REPAIR),  # template variable
    200800: Meaning(CardRejected, Remedy.NEW_MESSAGE),  # schema of the update differs
    200830: Meaning(CardRejected, Remedy.NEW_MESSAGE),  # 2.0 to 1.0
    200860: Meaning(CardRejected, Remedy.PLAIN_TEXT),  # over 30 KB
    200861: Meaning(CardRejected, Remedy.REPAIR),  # tag not in 2.0
    200914: Meaning(CardRejected, Remedy.REPAIR),  # table rows
    200915: Meaning(CardRejected, Remedy.REPAIR),  # table rows
    230022: Meaning(CardRejected, Remedy.REPAIR),  # sensitive content
    230025: Meaning(CardRejected, Remedy.PLAIN_TEXT),  # too long
    230028: Meaning(CardRejected, Remedy.REPAIR),  # DLP audit
    CARD_CONTENT_FAILED: Meaning(CardRejected, Remedy.REPAIR),  # the inner ErrCode says what
    300301: Meaning(CardRejected, Remedy.REPAIR),  # duplicate element_id
    300302: Meaning(CardRejected, Remedy.NEW_MESSAGE),  # update_multi is false
    300303: Meaning(CardRejected, Remedy.NEW_MESSAGE),  # only schema 2.0
    300305: Meaning(CardRejected, Remedy.REPAIR),  # over 200 components
    300307: Meaning(CardRejected, Remedy.REPAIR),  # empty card
    300312: Meaning(CardRejected, Remedy.DROP_FRAME),  # the tag cannot change
    300313: Meaning(CardRejected, Remedy.DROP_FRAME),  # patch of an element failed (no such element_id)
    300314: Meaning(CardRejected, Remedy.DROP_FRAME),  # delete of an element failed
    300315: Meaning(CardRejected, Remedy.DROP_FRAME),  # add of an element failed
    # streaming
    200510: Meaning(StreamClosed, Remedy.REOPEN),  # streaming timed out
    200850: Meaning(StreamClosed, Remedy.REOPEN),  # streaming timed out, ten minutes after it was opened
    300309: Meaning(StreamClosed, Remedy.REOPEN),
    300317: Meaning(SequenceBehind, Remedy.NEW_SEQUENCE),
    200810: Meaning(Interacting, Remedy.WAIT),
    # parameters
    BAD_PARAMETER: Meaning(InvalidRequest, Remedy.REPAIR),  # on messages: bot not in the chat
    200770: Meaning(InvalidRequest, Remedy.REPAIR),  # uuid used for other content
    230001: Meaning(InvalidRequest, Remedy.REPAIR),
    230009: Meaning(InvalidRequest, Remedy.STOP),  # too old to recall
    230034: Meaning(InvalidRequest, Remedy.STOP),  # receive_id
    230054: Meaning(InvalidRequest, Remedy.REPAIR),  # message type
    230055: Meaning(InvalidRequest, Remedy.REPAIR),  # file type
    230071: Meaning(InvalidRequest, Remedy.NEW_MESSAGE),  # no thread support, or not the sender
    230072: Meaning(InvalidRequest, Remedy.NEW_MESSAGE),  # aggregated message, or 20 edits reached
    230075: Meaning(InvalidRequest, Remedy.NEW_MESSAGE),  # edit time over
    231001: Meaning(InvalidRequest, Remedy.DROP_FRAME),  # emoji
    234003: Meaning(InvalidRequest, Remedy.DROP_FRAME),  # file of another message
    234043: Meaning(InvalidRequest, Remedy.DROP_FRAME),  # resource of this message type
    300020: Meaning(InvalidRequest, Remedy.FULL_UPDATE),  # delayed-update token format
    300090: Meaning(InvalidRequest, Remedy.FULL_UPDATE),  # open_ids missing
    300310: Meaning(InvalidRequest, Remedy.DROP_FRAME),  # not a text element
    99992351: Meaning(InvalidRequest, Remedy.STOP),  # unknown open_id
    99992354: Meaning(InvalidRequest, Remedy.STOP),  # message_id
    99992361: Meaning(InvalidRequest, Remedy.STOP),  # open_id of another app
    99992402: Meaning(InvalidRequest, Remedy.REPAIR),  # field validation
}

_BY_TYPE: dict[type[ApiError], Remedy] = {
    RateLimited: Remedy.WAIT,
    TokenRejected: Remedy.WAIT,
    CredentialsRejected: Remedy.LATER,
    Forbidden: Remedy.STOP,
    TargetGone: Remedy.STOP,
    CardRejected: Remedy.REPAIR,
    StreamClosed: Remedy.REOPEN,
    SequenceBehind: Remedy.NEW_SEQUENCE,
    Interacting: Remedy.WAIT,
    InvalidRequest: Remedy.REPAIR,
    ServerError: Remedy.WAIT,
    ApiError: Remedy.WAIT,  # a code nobody has documented: more likely a passing fault than ours
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


def remedy_of(error: FeishuError) -> Remedy:
    """What to do about a failed call. Without a usable answer (`TransportError`) waiting is all there is."""
    if not isinstance(error, ApiError):
        return Remedy.WAIT
    inner = error.sub_code if isinstance(error, CardRejected) else 0
    for code in (inner, error.code):
        meaning = CODES.get(code)
        if meaning is not None and isinstance(error, meaning.error):
            return meaning.remedy
    return next((_BY_TYPE[kind] for kind in type(error).__mro__ if kind in _BY_TYPE), Remedy.WAIT)


def _kind(code: int, path: str, http_status: int) -> type[ApiError]:
    if code == BAD_PARAMETER and "/im/" in path:
        return Forbidden
    if known := CODES.get(code):
        return known.error
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
