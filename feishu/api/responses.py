"""From the bytes of an answer to its data, or to the typed error of a refusal."""

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from feishu.api.endpoints import Endpoint
from feishu.api.error_codes import api_error
from feishu.errors import BadReply

OF_DOWNLOADS = (403, 404)
"""Statuses that downloads answer without a code (drive-v1 media/download): no right to it, not there any more."""


def read_reply(
    endpoint: Endpoint, status: int, headers: Mapping[str, str], content: bytes, *, wordless: Collection[int] = ()
) -> dict[str, Any]:
    """The answer's data. Raises the typed error of a refusal, or `BadReply` for what is not the platform's JSON, unless
    its status is among the `wordless`, which are then the code."""
    name, log_id = endpoint.name, headers.get("x-tt-logid", "")
    try:
        body = orjson.loads(content)
    except ValueError:
        body = None
    code = body.get("code") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(code, int) or isinstance(code, bool):
        if status == 429 or status in wordless:  # a gateway may say so without words
            code, body = status, {}
        else:
            raise BadReply(f"HTTP {status} without the platform's JSON", endpoint=name, log_id=log_id)
    if code == 0 and 200 <= status < 300:
        data = body.get("data", body)
        return data if isinstance(data, dict) else {}
    detail = body.get("error")
    if not log_id and isinstance(detail, dict):
        log_id = str(detail.get("log_id", ""))
    message = str(body.get("msg", ""))
    raise api_error(
        code, message, endpoint=name, path=endpoint.path, http_status=status, log_id=log_id, headers=headers
    )
