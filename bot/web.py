"""The web door: chat page, chat API, metrics, API documents. Guarded by `bot.guard`."""

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from bot.app import Bot
from bot.chat import chat_router
from bot.errors import StoreError
from bot.guard import WebGuard
from bot.metrics import CONTENT_TYPE
from bot.routes import add_health_routes, json_response

PAGE_FOLDER = Path(__file__).parent / "page"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def web_app(bot: Bot) -> FastAPI:
    """The web door: chat page, chat API, metrics, API documents. Guarded by `bot.guard`."""
    app = FastAPI(
        title="feishu-rag", description="Ask the team's documents.", redoc_url=None, lifespan=None, version="1"
    )
    app.include_router(chat_router(lambda: bot.library))

    async def metrics(_request: Request) -> Response:
        bot.metrics.jobs_by_state(await bot.jobs.count_by_state())
        return Response(bot.metrics.render(), media_type=CONTENT_TYPE)

    async def page(_request: Request) -> Response:
        html = (PAGE_FOLDER / "index.html").read_bytes()
        return Response(html, media_type="text/html", headers={"Content-Security-Policy": PAGE_POLICY})

    async def unavailable(_request: Request, error: Exception) -> Response:
        return json_response({"type": "StoreError", "message": str(error)}, 503)

    app.add_route("/metrics", metrics, methods=["GET"])
    app.add_route("/", page, methods=["GET"])
    app.mount("/static", StaticFiles(directory=PAGE_FOLDER), name="static")
    add_health_routes(app, bot.health, bot.ready)
    app.add_exception_handler(StoreError, unavailable)
    app.add_middleware(WebGuard, key_hashes=[key.get_secret_value() for key in bot.settings.bot.api_keys])
    return app
