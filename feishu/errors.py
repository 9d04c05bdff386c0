"""Everything that can go wrong on the platform's side.

FeishuError
├─ WebhookError → HTTP status    a body that came in
│  ├─ Unverified 401             one answer, no reason: no right signature, or another token
│  │  └─ Stale(age_s)            signed, but old: a replay, or a clock that is wrong; the same answer
│  ├─ Malformed 400              only for correctly signed bodies with our token; says why
│  └─ TooLarge 413
├─ ApiError(code, log_id)        the platform refused a call; `endpoint`, `http_status` and `message` say which and why
│  ├─ RateLimited(wait_s)        429, 99991400, 230020, 11232, …
│  ├─ TokenRejected              99991661/63/64/68/71/77
│  ├─ CredentialsRejected        10003, 10014, 10015: app id or secret
│  ├─ Forbidden                  scope, availability, membership, IP list, quota
│  ├─ TooManyConnections         1000040350: the app's long connections are all taken
│  ├─ TargetGone                 recalled, deleted, dissolved, expired
│  ├─ CardRejected(sub_code)     the card's content is refused
│  ├─ StreamClosed               200850, 300309, 200510: streaming mode is off
│  ├─ SequenceBehind             300317
│  ├─ Interacting                200810: somebody is clicking
│  ├─ InvalidRequest             parameters
│  └─ ServerError                5xx and the platform's "internal error" codes
├─ RegistrationFailed            no app was made by a link: refused, too late, or not offered
└─ TransportError → Timeout, Unreachable, BadReply   no usable answer at all

Which code is which error: feishu/api/error_codes.py. No message holds a secret or a person's text.
"""

from typing import ClassVar


class FeishuError(Exception):
    """Root of all errors of this package."""


class WebhookError(FeishuError):
    """A request to the webhook that is not served; `status` is the HTTP status it deserves."""

    status: ClassVar[int] = 400


class Unverified(WebhookError):
    """No proof that the platform sent it. Always the same text: nothing may be learnt by trying.

    `hint` is for the log only: what most likely keeps the request from being proven. `why` is its key in
    `feishu.events.webhook.HINTS`, "" for what is not there.
    """

    status = 401

    def __init__(self, hint: str = "", *, why: str = "") -> None:
        super().__init__("unverified")
        self.hint = hint
        self.why = why


class Stale(Unverified):
    """The signature is right, but the request or its event is `age_s` seconds old by this machine's clock."""

    def __init__(self, age_s: float) -> None:
        super().__init__(f"signed, but {age_s:.0f} s old by this machine's clock")
        self.age_s = age_s


class Malformed(WebhookError):
    """Correctly signed, but not something the platform's documents describe."""

    status = 400


class TooLarge(WebhookError):
    """The body exceeds the size limit."""

    status = 413


class ApiError(FeishuError):
    """The platform answered a call with an error code."""

    def __init__(
        self, code: int, message: str, *, endpoint: str = "", http_status: int = 200, log_id: str = ""
    ) -> None:
        super().__init__(
            f"{endpoint or 'call'} refused: code {code} ({message}), HTTP {http_status}, log id {log_id or '-'}"
        )
        self.code = code
        self.message = message
        self.endpoint = endpoint
        self.http_status = http_status
        self.log_id = log_id


class RateLimited(ApiError):
    """Too many calls; `wait_s` is what the platform asked to wait (at least a small default)."""

    wait_s: float = 1.0


class TokenRejected(ApiError):
    """The access token is invalid or expired."""


class CredentialsRejected(ApiError):
    """App ID or App Secret is wrong, or the app is disabled."""


class Forbidden(ApiError):
    """A scope, membership, availability, IP list or quota is missing."""


class TooManyConnections(ApiError):
    """The app has as many long connections as it may (50)."""


class TargetGone(ApiError):
    """The message, card or chat no longer exists for us."""


class CardRejected(ApiError):
    """The card's content is refused; `sub_code` is the inner ErrCode of 230099, or the code itself."""

    sub_code: int = 0


class StreamClosed(ApiError):
    """Streaming mode is off (closed by us, or by the platform ten minutes after it was opened)."""


class SequenceBehind(ApiError):
    """The sequence number was not above the card's last one."""


class Interacting(ApiError):
    """Somebody is interacting with the card; writes are refused for a moment."""


class InvalidRequest(ApiError):
    """The platform does not accept the parameters."""


class ServerError(ApiError):
    """The platform failed."""


class RegistrationFailed(FeishuError):
    """No app was made by a link (`feishu.api.registration`)."""


class TransportError(FeishuError):
    """No usable answer: whether the call took effect is unknown."""

    def __init__(self, message: str = "", *, endpoint: str = "", log_id: str = "") -> None:
        super().__init__(
            f"{endpoint or 'call'} failed: {message or type(self).__name__}" + (f", log id {log_id}" if log_id else "")
        )
        self.endpoint = endpoint
        self.log_id = log_id


class Timeout(TransportError):
    """No answer in time."""


class Unreachable(TransportError):
    """No connection."""


class BadReply(TransportError):
    """An answer that is not the platform's JSON (a proxy's HTML page, a cut body)."""
