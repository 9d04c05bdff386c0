"""`/admin` on settings and prompts: what is in force and where it comes from; prompts tried on real questions, changed
with a name, and put back."""

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from bot.answering import Answers, Recorder
from bot.intake.intake import MAX_QUESTION_CHARS
from bot.live_prompts import LivePrompts
from bot.models import Answer
from bot.repositories.shown_documents import ADMIN, ShownTo
from bot.settings import Settings
from bot.settings.effective import effective
from bot.web.admin.asking import answered_once
from bot.web.admin.routes import API, AdminDoor, json_body
from bot.web.chat.admission import Gate
from bot.web.errors import Refused
from rag.errors import SettingsMismatch
from rag.events import Question
from rag.generation.prompts import BUILT_IN, VARIABLES
from rag.scope import EVERYTHING
from rag.settings import PromptSettings

log = structlog.get_logger(__name__)

MOST_CHARS = 20_000
TRIED = ("system", "answer")
"""The prompts that every answer of a model is written with: a question shows what a change of them does."""
Name = Annotated[str, Path(pattern=r"^[a-z]{1,16}$")]


class Change(BaseModel):
    """A new text of a prompt, and what the change is called."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: str = Field(max_length=MOST_CHARS)
    note: str = Field(min_length=1, max_length=200)


class Trial(BaseModel):
    """A text that is not in force, and a question to see what it does."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: str = Field(max_length=MOST_CHARS)
    question: str = Field(min_length=1, max_length=MAX_QUESTION_CHARS)


@dataclass(frozen=True, slots=True)
class ConfigurationDoor:
    """What the routes need beside the admin door."""

    settings: Settings
    prompts: LivePrompts
    library: Answers
    recorder: Recorder
    gate: Gate

    async def tried(self, question: Question, prompts: PromptSettings) -> Answer:
        """A question answered with these prompts, and stored nowhere."""
        slot = await self.gate.take()
        try:
            with_prompts = replace(question, prompts=prompts)
            return await answered_once(self.recorder, self.library, with_prompts, self.settings.bot.language)
        finally:
            slot.release()


def configuration_router(door: AdminDoor, configuration: ConfigurationDoor) -> APIRouter:
    """`/admin/api/settings`, `/admin/api/prompts`; not part of the public schema."""
    router = APIRouter(prefix=API, include_in_schema=False)
    prompts = configuration.prompts

    @router.get("/settings")
    async def settings(request: Request) -> Response:
        await door.admin(request)
        return json_body({"settings": [asdict(each) for each in effective(configuration.settings)]})

    @router.get("/prompts")
    async def listed(request: Request) -> Response:
        await door.admin(request)
        versions = [asdict(each) for each in await prompts.versions.all()]
        names = await door.named(each["saved_by"] for each in versions)
        return json_body({"prompts": _prompts(prompts), "versions": versions, "names": names})

    @router.post("/prompts/{name}")
    async def change(request: Request, name: Name, change: Change) -> Response:
        admin = await door.admin(request, writes=True)
        text, note = change.text.replace("\x00", ""), change.note.replace("\x00", "")
        _usable(prompts, name, text)
        await prompts.versions.save(name, text, by=admin.who, note=note)
        await prompts.take_up()
        log.info("prompt_saved", prompt=name, admin=admin.who)
        return json_body({"ok": True})

    @router.post("/prompts/{name}/back/{version_id}")
    async def back(request: Request, name: Name, version_id: Annotated[int, Path(ge=0, le=2**53)]) -> Response:
        admin = await door.admin(request, writes=True)
        version = await prompts.versions.of(version_id) if version_id else None
        if version_id and (version is None or version.name != name):
            raise Refused(404, "NotFound", "There is no such version.", "Load the page again.")
        text, note = (version.text, f"↩ #{version.id} {version.note}") if version else ("", "↩")
        _usable(prompts, name, text)
        await prompts.versions.save(name, text, by=admin.who, note=note[:200])
        await prompts.take_up()
        log.info("prompt_put_back", prompt=name, admin=admin.who, version=version_id)
        return json_body({"ok": True})

    @router.post("/prompts/{name}/try")
    async def tried(request: Request, name: Name, trial: Trial) -> Response:
        admin = await door.admin(request, writes=True)
        changed = _usable(prompts, name, trial.text)
        if name not in TRIED:
            raise Refused(409, "Conflict", "One question does not show what this prompt does.", "Save it and watch.")
        question = Question(trial.question, EVERYTHING, from_documents=True)
        told = {}
        for when, used in (("before", prompts.in_use), ("after", changed)):
            answer = await configuration.tried(question, used)
            await door.shown.add(answer.id, answer.sources, ShownTo("", ADMIN, admin.who))
            told[when] = _told(answer)
        return json_body(told)

    return router


def _prompts(prompts: LivePrompts) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in_use": getattr(prompts.in_use, name) or built_in,
            "configured": getattr(prompts.configured, name) or built_in,
            "variables": sorted(VARIABLES[name]),
            "can_be_tried": name in TRIED,
        }
        for name, built_in in BUILT_IN.items()
    ]


def _usable(prompts: LivePrompts, name: str, text: str) -> PromptSettings:
    """Raises `Refused` (422) for a text that cannot work, with what it lacks."""
    try:
        return prompts.changed(name, text)
    except SettingsMismatch as error:
        raise Refused(422, "InvalidRequest", str(error), "Correct the text; nothing was changed.") from None


def _told(answer: Answer) -> dict[str, Any]:
    return {
        "outcome": answer.outcome,
        "text": answer.text,
        "notice": answer.notice,
        "seconds": answer.seconds,
        "tokens": sum((answer.usage or {}).values()),
        "cites": sorted(source.number for source in answer.sources if source.cited),
    }
