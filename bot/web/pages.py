"""The pages of the web door: files of `page/`, each with the policy that lets it load nothing from elsewhere."""

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

import feishu

SHARED_FOLDER = Path(feishu.__file__).parent / "page"
"""What the pages share with that of the local platform."""
PAGE_FOLDER = Path(__file__).parent / "page"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Both documentation viewers set styles from script; ReDoc also runs its search in a worker made from text.
VIEWER_POLICY = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'") + "; worker-src blob:"
PAGES = {
    "/": ("index.html", PAGE_POLICY),
    "/admin": ("admin/index.html", PAGE_POLICY),
    "/docs": ("docs/swagger.html", VIEWER_POLICY),
    "/redoc": ("docs/redoc.html", VIEWER_POLICY),
}


def add_pages(app: FastAPI) -> None:
    """`/`, `/admin`, `/docs`, `/redoc` and `/static/…`."""
    for address, (file, policy) in PAGES.items():
        _add_page(app, address, PAGE_FOLDER / file, policy)

    async def favicon(_request: Request) -> Response:
        return RedirectResponse("/static/icon.svg")

    app.add_route("/favicon.ico", favicon, methods=["GET"])
    app.mount("/static/shared", StaticFiles(directory=SHARED_FOLDER), name="shared")
    app.mount("/static", StaticFiles(directory=PAGE_FOLDER), name="static")


def _add_page(app: FastAPI, address: str, file: Path, policy: str) -> None:
    async def page(_request: Request) -> Response:
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache"}
        return FileResponse(file, media_type="text/html", headers=headers)

    app.add_route(address, page, methods=["GET"])
