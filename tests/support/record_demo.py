"""The moving picture of the README: a question in the demo's group, from typing to the closed card.

    python -m tests.support.record_demo docs/images/answer.webp

Starts `feishu-rag demo` in a folder of its own, plays the scene in headless Chromium and writes what the page showed as
an animated WebP, each frame as long as it was there. Needs Chromium, and a machine that does nothing else: frames that
are late make the stream look rough.
"""

import argparse
import asyncio
import io
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.async_api import Locator, Page, async_playwright, expect

from tests.e2e.browser import CHROMIUM, CHROMIUM_ARGUMENTS
from tests.e2e.test_demo import DEADLINE_MS, QUESTION, demo
from tests.support.caller import caller

VIEWPORT = {"width": 760, "height": 640}
FRAME_S = 0.1
KEY_MS = 70
LOOK_S = 2.5
LAST_S = 4.0


@dataclass
class Film:
    """Screenshots of a page with the seconds at which they were taken."""

    page: Page
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    is_over: bool = False

    async def run(self) -> None:
        """Takes a screenshot every `FRAME_S` seconds until `is_over`."""
        while not self.is_over:
            began = time.monotonic()
            self.frames.append((began, await self.page.screenshot(type="png")))
            await asyncio.sleep(max(0.0, FRAME_S - (time.monotonic() - began)))

    def write(self, file: Path) -> None:
        """Frames that look alike become one; the last one stays for `LAST_S`."""
        images: list[Image.Image] = []
        durations: list[int] = []
        times = [at for at, _ in self.frames]
        for (began, shot), ended in zip(self.frames, [*times[1:], times[-1] + LAST_S], strict=True):
            image = Image.open(io.BytesIO(shot)).convert("RGB")
            lasted = round(1000 * (ended - began))
            if images and image.tobytes() == images[-1].tobytes():
                durations[-1] += lasted
            else:
                images.append(image)
                durations.append(lasted)
        images[0].save(file, save_all=True, append_images=images[1:], duration=durations, loop=0, quality=80, method=6)


async def play(page: Page) -> None:
    """Asks in the group, waits for the closed card, and presses 👍."""
    await page.get_by_test_id("close-hint").click()
    await page.get_by_test_id("chat-oc_product").click()
    cards = page.locator(".card")
    before = await cards.count()
    await page.get_by_test_id("mention-bot").click()
    await page.keyboard.type(QUESTION, delay=KEY_MS)
    await page.get_by_test_id("send").click()
    await expect(cards).to_have_count(before + 1, timeout=DEADLINE_MS)
    card: Locator = cards.nth(before)
    like = card.get_by_role("button", name="👍")
    await expect(like).to_be_visible(timeout=DEADLINE_MS)
    await asyncio.sleep(LOOK_S)
    await like.click()
    await asyncio.sleep(LOOK_S)


async def record(file: Path) -> None:
    """Plays the scene and writes it."""
    with tempfile.TemporaryDirectory() as folder:
        async with demo(Path(folder)) as (bot, address), async_playwright() as browsers:
            async with caller(bot.web) as http:  # the first answer loads the model's client: no picture tells of it
                await http.post("/chat", json={"question": QUESTION})
            browser = await browsers.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
            page = await browser.new_page(viewport=VIEWPORT, locale="zh-CN")
            await page.goto(address)
            film = Film(page)
            recording = asyncio.create_task(film.run())
            await play(page)
            film.is_over = True
            await recording
            await browser.close()
    film.write(file)
    sys.stdout.write(f"{file}: {len(film.frames)} frames, {file.stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    asyncio.run(record(parser.parse_args().file))
