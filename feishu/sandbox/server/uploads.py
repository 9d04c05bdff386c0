"""Images as the page shows them, and images people send."""

import base64
import binascii

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from feishu.sandbox.refusal import Impossible
from feishu.sandbox.world import Upload, World

# What a browser may draw; everything else is only ever downloaded. SVG can hold script and is not among them.
DRAWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp")
MAX_BYTES = 30 * 1024 * 1024


def serve_upload(world: World, request: Request) -> Response:
    """GET /sandbox/uploads/{key}."""
    upload = world.uploads.get(request.path_params["key"])
    if upload is None:
        return JSONResponse({"error": "no such upload"}, 404)
    if upload.media_type in DRAWN:
        return Response(upload.content, media_type=upload.media_type)
    headers = {"Content-Disposition": "attachment"}
    return Response(upload.content, media_type="application/octet-stream", headers=headers)


def take_upload(world: World, owner: str, name: str, content_base64: str, media_type: str) -> Upload:
    """A person's image or file; the key goes into the message's content. Raises Impossible."""
    if owner not in world.people:
        raise Impossible("no such person")
    try:
        content = base64.b64decode(content_base64, validate=True)
    except (binascii.Error, ValueError):
        raise Impossible("content is not base64") from None
    if len(content) > MAX_BYTES:
        raise Impossible("larger than 30 MB")
    kind = "image" if media_type.startswith("image/") else "file"
    key = world.new_id("img_v3_" if kind == "image" else "file_v3_")
    upload = Upload(key, "image" if kind == "image" else "file", name, content, owner, media_type)
    world.uploads[key] = upload
    return upload
