"""The bytes of files, of resources inside documents, and of exports (drive-v1 file, media, export_task)."""

from feishu.api.client import FeishuClient
from feishu.api.endpoints import EXPORT_CREATE, EXPORT_DOWNLOAD, EXPORT_STATE, FILE_DOWNLOAD, MEDIA_DOWNLOAD, Endpoint
from feishu.clock import Clock, SystemClock
from feishu.documents.parts import Attached, Home
from feishu.errors import ApiError, BadReply, Timeout

EXPORT_PATIENCE_S = 300.0
EXPORT_POLLS_S = (0.5, 1.0, 2.0, 3.0, 5.0)
NOT_EXPORTABLE = frozenset({109, 110, 122, 1069902, 99991672, 99991679})
"""No right to export: a part or all of it is closed to the app, copying is forbidden, or the scope is missing."""
TOO_MUCH = frozenset({107, 108, 6000})
_WORKING = (1, 2)
_JOB_GONE = {111: 1069906, 123: 1069914}
_HOMES: dict[Home, Endpoint] = {"media": MEDIA_DOWNLOAD, "file": FILE_DOWNLOAD, "export": EXPORT_DOWNLOAD}


class Downloads:
    """Gets bytes as one app."""

    def __init__(self, client: FeishuClient, *, clock: Clock | None = None) -> None:
        self._client = client
        self._clock = clock or SystemClock()

    async def content(self, attached: Attached, *, most_bytes: int) -> bytes | None:
        """The bytes; None when there are more than `most_bytes`. Raises `FeishuError`."""
        params = {"extra": attached.extra} if attached.extra else {}
        path = {"file_token": attached.token}
        return await self._client.download(_HOMES[attached.home], path=path, params=params, most_bytes=most_bytes)

    async def export(self, token: str, kind: str, extension: str) -> str:
        """Exports a document; the token of the file, which is there for ten minutes. Raises `ApiError` (its code is
        that of the job where the job failed) and `TransportError`."""
        body = {"token": token, "type": kind, "file_extension": extension}
        ticket = (await self._client.call(EXPORT_CREATE, json=body)).get("ticket")
        if not isinstance(ticket, str) or not ticket:
            raise BadReply("no ticket in the answer", endpoint=EXPORT_CREATE.name)
        until = self._clock.monotonic() + EXPORT_PATIENCE_S
        pauses = iter(EXPORT_POLLS_S)
        while True:
            if file_token := await self._exported(ticket, token):
                return file_token
            if self._clock.monotonic() >= until:
                raise Timeout(f"no export within {EXPORT_PATIENCE_S:g} s", endpoint=EXPORT_STATE.name)
            await self._clock.sleep(next(pauses, EXPORT_POLLS_S[-1]))

    async def _exported(self, ticket: str, token: str) -> str:
        """The file's token; "" while it is being made."""
        reply = await self._client.call(EXPORT_STATE, path={"ticket": ticket}, params={"token": token})
        result = reply.get("result")
        if not isinstance(result, dict):
            raise BadReply("no result in the answer", endpoint=EXPORT_STATE.name)
        status = result.get("job_status")
        if status in _WORKING:
            return ""
        if status == 0 and (file_token := str(result.get("file_token") or "")):
            return file_token
        code = status if isinstance(status, int) and status else -1
        raise ApiError(_JOB_GONE.get(code, code), str(result.get("job_error_msg", "")), endpoint=EXPORT_STATE.name)
