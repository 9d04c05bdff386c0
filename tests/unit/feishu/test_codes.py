"""What the platform's codes mean. The list is written out a second time, from the documents, on purpose."""

import pytest

from feishu.api.error_codes import CODES, api_error, remedy_of
from feishu.api.recovery import Remedy, at_the_end, while_streaming
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
    Timeout,
    TokenRejected,
    TooManyConnections,
)

EXPECTED: dict[type[ApiError], str] = {
    TokenRejected: "99991661 99991663 99991664 99991668 99991671 99991677",
    CredentialsRejected: "10003 10014 10015 514 1000040344",
    TooManyConnections: "1000040350",
    RateLimited: "99991400 230020 11232 11233 11247 1061045 1069923 1254290",
    ServerError: "2200 18121 230049 300120 300121 300122 1255001 1255002 1255003 1255004 1255005 1255040 1254607 "
    "1315201 1315203 1315210 1 1000040343 1000040351",
    TargetGone: "230011 230019 230029 230031 230110 230111 231003 232009 200000 200740 200750 300030 300040",
    Forbidden: "99991401 99991403 99991665 99991672 99991673 99991679 230002 230006 230013 230015 230017 230018 230026 "
    "230027 230035 230038 230050 230053 300311 200310 403",
    CardRejected: "230099 230022 230025 230028 200220 200860 200621 200570 200550 200380 200381 200732 200737 200800 "
    "200830 200861 200914 200915 200530 11310 11311 11235 100290 100000 100030 300301 300302 300303 300305 300307 "
    "300312 300313 300314 300315",
    StreamClosed: "200850 300309 200510",
    SequenceBehind: "300317",
    Interacting: "200810",
    InvalidRequest: "10002 200770 230001 230009 230034 230054 230055 230071 230072 230075 231001 234003 234043 300020 "
    "300090 300310 99992351 99992354 99992361 99992402",
}
REMEDIES: dict[Remedy, str] = {
    Remedy.WAIT: "99991400 230020 11232 11233 11247 200810 2200 18121 230049 300120 300121 300122 99991661 99991663 "
    "99991664 99991668 99991671 99991677 1061045 1069923 1254290 "
    "1255001 1255002 1255003 1255004 1255005 1255040 1254607 "
    "1315201 1315203 1315210 1 1000040343 1000040351",
    Remedy.NEW_SEQUENCE: "300317",
    Remedy.REOPEN: "200850 300309 200510",
    Remedy.DROP_FRAME: "300310 300312 300313 300314 300315 231001 234003 234043",
    Remedy.FULL_UPDATE: "300020 300030 300040 300090",
    Remedy.PLAIN_TEXT: "200860 230025 100000",
    Remedy.NEW_MESSAGE: "200740 200750 230031 200310 300311 99991672 200800 200830 300302 300303 230071 230072 230075",
    Remedy.LATER: "10003 10014 10015 403 514 1000040344 1000040350 99991401 99991403 99991665 99991673 99991679 230006 "
    "230018",
    Remedy.STOP: "200000 230011 230019 230029 230110 230111 231003 232009 230002 230009 230013 230015 230026 230027 "
    "230034 230035 230038 230050 230053 99992351 99992354 99992361",
}
TOLD = {int(code): remedy for remedy, codes in REMEDIES.items() for code in codes.split()}
ROWS = [(int(code), kind) for kind, codes in EXPECTED.items() for code in codes.split()]
CARDKIT = "/open-apis/cardkit/v1/cards"


def error(code: int, message: str = "msg", *, path: str = CARDKIT, http_status: int = 400, **headers: str) -> ApiError:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return api_error(
        code, message, endpoint="card_text", path=path, http_status=http_status, log_id="log-1", headers=given
    )


@pytest.mark.parametrize(("code", "kind"), ROWS)
@pytest.mark.parametrize("http_status", [200, 400])
def test_each_code_is_one_error(code: int, kind: type[ApiError], http_status: int) -> None:
    found = error(code, http_status=http_status)
    assert type(found) is kind
    assert (found.code, found.endpoint, found.log_id, found.http_status) == (code, "card_text", "log-1", http_status)
    for shown in (str(code), "card_text", "log-1"):
        assert shown in str(found)


def test_no_row_of_the_table_is_untested() -> None:
    assert set(CODES) == {code for code, _ in ROWS}
    assert set(TOLD) <= set(CODES)


@pytest.mark.parametrize("code", [code for code, _ in ROWS])
def test_each_code_has_one_remedy(code: int) -> None:
    """What is not named otherwise is about the card's content or form: repair it."""
    assert remedy_of(error(code)) is TOLD.get(code, Remedy.REPAIR)


def test_the_inner_code_decides_about_a_message_with_a_card() -> None:
    assert remedy_of(error(230099, "ext=ErrCode: 200860; ErrMsg: too big")) is Remedy.PLAIN_TEXT
    assert remedy_of(error(230099, "ext=ErrCode: 999; ErrMsg: new")) is Remedy.REPAIR


@pytest.mark.parametrize(("http_status", "remedy"), [(429, Remedy.WAIT), (503, Remedy.WAIT), (400, Remedy.WAIT)])
def test_a_code_nobody_documented_is_taken_for_a_passing_fault(http_status: int, remedy: Remedy) -> None:
    assert remedy_of(error(123456, http_status=http_status)) is remedy


def test_no_answer_is_a_reason_to_wait() -> None:
    assert remedy_of(Timeout()) is Remedy.WAIT


def test_outside_of_the_chat_nobody_waits_for_us() -> None:
    assert remedy_of(error(10002, path="/open-apis/im/v1/messages")) is Remedy.STOP


@pytest.mark.parametrize("remedy", Remedy)
def test_frames_are_not_repaired_and_the_end_is_not_dropped(remedy: Remedy) -> None:
    assert while_streaming(remedy) not in (Remedy.REPAIR, Remedy.PLAIN_TEXT)
    assert at_the_end(remedy) not in (Remedy.DROP_FRAME, Remedy.FULL_UPDATE, Remedy.REOPEN)


def test_a_bad_parameter_on_messages_means_that_the_bot_is_outside() -> None:
    assert type(error(10002, path="/open-apis/im/v1/messages")) is Forbidden
    assert type(error(10002)) is InvalidRequest


@pytest.mark.parametrize(
    ("http_status", "kind"), [(200, ApiError), (400, ApiError), (404, ApiError), (429, RateLimited), (500, ServerError)]
)
def test_unknown_codes_follow_the_http_status(http_status: int, kind: type[ApiError]) -> None:
    assert type(error(123456, http_status=http_status)) is kind


@pytest.mark.parametrize(
    ("message", "sub_code"),
    [
        ("Failed to create card content, ext=ErrCode: 11310; ErrMsg: card table number over limit;", 11310),
        ("ErrCode:200570", 200570),
        ("no inner code", 230099),
    ],
)
def test_the_inner_code_of_card_content_is_read(message: str, sub_code: int) -> None:
    found = error(230099, message)
    assert isinstance(found, CardRejected)
    assert found.sub_code == sub_code


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"x_ogw_ratelimit_reset": "3"}, 3.0),
        ({"x_ogw_ratelimit_reset": "0"}, 0.1),
        ({"x_ogw_ratelimit_reset": "100000"}, 60.0),
        ({"retry_after": "2"}, 2.0),
        ({"x_ogw_ratelimit_reset": "soon"}, 1.0),
        ({"x_ogw_ratelimit_reset": "nan"}, 1.0),
        ({}, 1.0),
    ],
)
def test_the_wait_is_what_the_gateway_says(headers: dict[str, str], wait_s: float) -> None:
    found = error(99991400, http_status=429, **headers)
    assert isinstance(found, RateLimited)
    assert found.wait_s == wait_s


def test_a_token_in_the_platforms_words_is_not_repeated() -> None:
    found = error(99991663, "invalid token t-g1044qeGEDXTB6NDJOGV4JQCYDGHRBARFTGT1234\nretry")
    assert "g1044" not in str(found)
    assert "\n" not in str(found)
