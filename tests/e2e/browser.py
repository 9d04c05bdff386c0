"""Which browser the page tests use, and a page that is watched."""

import re
import shutil
from dataclasses import dataclass, field

from playwright.async_api import ConsoleMessage, Dialog, Page, Request

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Watched:
    """A page with everything that went wrong in it: `troubles` must stay empty, `requested` names every address."""

    page: Page
    troubles: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def watch(self) -> "Watched":
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        self.page.on("request", self._request)
        self.page.on("dialog", self._dialog)
        return self

    def outside(self, base_url: str) -> list[str]:
        """The requests that left for another server."""
        return [url for url in self.requested if not url.startswith((base_url, "data:", "blob:"))]

    def forgive(self, pattern: str) -> None:
        """Takes out troubles that the test itself caused, such as the browser's own line about a refused request."""
        self.troubles = [trouble for trouble in self.troubles if not re.search(pattern, trouble)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        self.requested.append(request.url)

    async def _dialog(self, dialog: Dialog) -> None:
        self.troubles.append("a script opened a dialog")
        await dialog.dismiss()
