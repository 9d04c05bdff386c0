"""Documents to a new index version, as a difference to the one before. Blocking; the old one serves meanwhile."""

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rag.documents import Document
from rag.embedding import Choice, choose
from rag.embedding.model_files import fetch, local_folder
from rag.errors import IngestError, SettingsMismatch, Unreadable
from rag.index.base.background import Background
from rag.index.base.manifest import Manifest
from rag.index.base.types import Key
from rag.index.index import Index
from rag.index.store import IndexStore, Writer, opened_store
from rag.ingestion.added_paths import write_added
from rag.ingestion.embedding_run import EmbeddingRun
from rag.ingestion.plan import Plan, difference
from rag.ingestion.read_ahead import read_ahead
from rag.ingestion.selection import Selection, select
from rag.ingestion.sources import Item, Remote, Unlisted, remote_items
from rag.retrieval.keyword_search import KeywordSearch
from rag.retrieval.vector_search import VectorSearch, measured
from rag.settings import EmbeddingSettings, RagSettings
from rag.text.tokenizer import VERSION

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did.

    `documents` and `chunks` are what the index holds now; `new`, `changed` and `gone` count documents,
    `embedded` chunks, `reused` those whose vectors were kept from an ingest before. `index` names the version (the old
    one when nothing changed), `embedding` says what embeds, or why nothing does. `skipped` are the files that cannot be
    read or embedded, each with its reason, `notes` say what was left out of others that were read now.
    """

    documents: int
    chunks: int
    skipped: tuple[Unreadable, ...]
    seconds: float
    index: str
    embedding: str = ""
    new: int = 0
    changed: int = 0
    gone: int = 0
    unchanged: int = 0
    embedded: int = 0
    reused: int = 0
    notes: tuple[Unreadable, ...] = ()


def ingest(
    settings: RagSettings,
    *,
    paths: Sequence[Path] | None = None,
    remote: Iterable[Remote] = (),
    progress: Progress | None = None,
    rebuild: bool = False,
    prune: bool = False,
    answers_for: Callable[[Key], bool] | None = None,
    reread: Collection[Key] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> IngestReport:
    """Bring the index to what the folders and `remote` hold now, and switch to it.

    With `paths` only what they hold is brought up to date and the rest stays; places outside of the settings' folders
    are remembered for later ingests. `answers_for` says of which other documents `remote` has all that there is: those
    of them that it lacks are dropped, whatever `paths` are. `prune` drops whatever is not given now and forgets such
    places. Those of `reread` are read though unchanged. What cannot be read or embedded is left out and reported.
    `progress(stage, done, total)` is told the stages `weights`, `checking` and `documents`, and `waiting`, in seconds,
    while an embedding endpoint is busy; `sleep` is how it waits. Raises IngestError (no folder, nothing to read, cannot
    write), IndexBusy, SettingsMismatch, EmbeddingFailed; after any, or a kill, the old index is as it was, and the next
    ingest finds the vectors made.
    """
    started_at = time.monotonic()
    tell = progress or (lambda stage, done, total: None)
    documents, unlisted = remote_items(remote)
    selection = select(settings, paths, prune=prune)
    unlisted += selection.unlisted
    items: list[Item] = [*selection.items, *documents]
    choice = _choice(settings.embedding, tell)
    with ExitStack() as cleanup:
        shelf = cleanup.enter_context(opened_store(settings))
        run = EmbeddingRun(settings, choice, tell=partial(tell, "waiting"), sleep=sleep)
        cleanup.callback(run.close)
        work = _Work(settings, selection, run, shelf, tell)
        before = work.index_before(rebuild=rebuild)
        spares = _spares(selection, answers_for)
        plan = work.plan(items, unlisted, fresh=before is None, spares=spares, reread=reread)
        if paths and not items and not plan.gone:
            raise IngestError(_nothing(selection, {}))
        write_added(settings.index_dir, selection.added)
        if before is not None and plan.is_empty and not run.is_outdated(before[1].embedding):
            name, manifest, embedded, failed = *before, 0, plan.failed
        else:
            name, manifest, embedded, failed, plan = work.apply(items, plan, before, unlisted)
    return IngestReport(
        documents=manifest.documents,
        chunks=manifest.chunks,
        skipped=_skipped(failed, unlisted),
        seconds=time.monotonic() - started_at,
        index=name,
        embedding=choice.detail,
        new=sum(item.key not in failed for item, _ in plan.new),
        changed=sum(item.key not in failed for item, _ in plan.changed),
        gone=len(plan.gone),
        unchanged=plan.unchanged,
        embedded=embedded - run.reused,
        reused=run.reused,
        notes=tuple(work.notes),
    )


class _Work:
    """One ingest on its way: the index that is changed, and the model, opened when something is embedded."""

    def __init__(
        self,
        settings: RagSettings,
        selection: Selection,
        run: EmbeddingRun,
        shelf: IndexStore,
        tell: Progress,
    ) -> None:
        self._settings = settings
        self._selection = selection
        self._run = run
        self._shelf = shelf
        self._tell = tell
        self.notes: list[Unreadable] = []

    def index_before(self, *, rebuild: bool) -> tuple[str, Manifest] | None:
        """The index in use, when it is whole and of the same model; None when all must be done anew.

        Raises IngestError when only a part is to be read and the rest would be lost.
        """
        before = self._usable(rebuild=rebuild)
        if before is None and self._shelf.current() is not None:
            self._check_whole()
        return before

    def plan(
        self,
        items: Sequence[Item],
        unlisted: Sequence[Unlisted],
        *,
        fresh: bool,
        spares: Callable[[Key], bool],
        reread: Collection[Key],
    ) -> Plan:
        """What is to be done, held against what the index knows; `fresh` is nothing."""
        known, told = self._shelf.known(self._run.draft_mark(), fresh=fresh), partial(self._tell, "checking")
        return difference(items, known, unlisted=unlisted, spares=spares, reread=reread, progress=told)

    def _check_whole(self) -> None:
        if self._selection.scope is not None:
            raise IngestError(
                "The whole index has to be made anew, which needs more than the paths given: run feishu-rag ingest "
                "without paths, or add --prune to keep nothing but them"
            )

    def _usable(self, *, rebuild: bool) -> tuple[str, Manifest] | None:
        current = self._shelf.current()
        if current is None or rebuild or current[1].terms != VERSION:
            return None
        return current if self._run.goes_on_with(current[1].embedding) else None

    def apply(
        self,
        items: Sequence[Item],
        plan: Plan,
        before: tuple[str, Manifest] | None,
        unlisted: Sequence[Unlisted],
    ) -> tuple[str, Manifest, int, dict[Key, str], Plan]:
        """Write and publish; gives the index's name and manifest, chunks embedded, what failed, and what was done."""
        mark = None if before is None else before[1].embedding
        is_outdated = self._run.is_outdated(mark)
        if mark is not None and (plan.new or plan.changed or is_outdated) and not self._run.is_same_model(mark):
            self._check_whole()
            before, mark = None, None
            plan = difference(items, self._shelf.known(self._run.draft_mark(), fresh=True), unlisted=unlisted)
        needs_model = before is None or is_outdated or bool(plan.new or plan.changed)
        embedder = self._run.opened() if needs_model else None
        writer = self._shelf.writer(embedder, self._settings.embedding.batch_size, fresh=before is None)
        for key in plan.gone:
            writer.drop(key)
        for key, reason in plan.newly_failed.items():
            writer.fail(key, "", reason)
        failed = plan.failed | self._read([*plan.new, *plan.changed], writer)
        manifest = writer.close()
        failed |= writer.refused
        if manifest.documents == 0:
            raise IngestError(_nothing(self._selection, failed))
        if (mark is None or is_outdated) and embedder is not None:
            mark = self._run.mark()
        manifest = replace(manifest, embedding=mark)
        with self._shelf.draft(manifest) as draft:
            background = self._background(draft, before)
            word_chance = KeywordSearch(draft.lexical, draft.chunks).chance()
        manifest = replace(manifest, background=background, word_chance=word_chance)
        read = len(plan.new) + len(plan.changed)
        self._tell("documents", read, read)  # the last moment at which it can be broken off
        name = self._shelf.publish(manifest)
        self._run.forget_unused(manifest.chunks, self._shelf.texts)
        return name, manifest, writer.embedded, failed, plan

    def _background(self, draft: Index, before: tuple[str, Manifest] | None) -> dict[str, Background]:
        """Measured anew where chunks may have changed; without the model what it was."""
        if draft.dense is None:
            return {}
        if not self._run.is_open and before is not None and before[1].background:
            return before[1].background
        embedder = self._run.opened()
        if embedder is None:
            return {}
        return measured(VectorSearch(draft.dense, draft.chunks, draft.manifest.languages, {}), embedder)

    def _read(self, items: Sequence[tuple[Item, str]], writer: Writer) -> dict[Key, str]:
        failed: dict[Key, str] = {}
        with contextlib.closing(read_ahead(items, self._settings.reading)) as documents:
            for done, (item, fingerprint, document) in enumerate(documents):
                self._tell("documents", done, len(items))
                if isinstance(document, Document):
                    writer.put(document, "" if document.is_partial else fingerprint)
                    self.notes += [Unreadable(document.source, note) for note in document.notes]
                    continue
                failed[item.key] = document.reason
                if not document.temporary:
                    writer.fail(item.key, fingerprint, document.reason)
        self._tell("documents", len(items), len(items))
        return failed


def _skipped(failed: dict[Key, str], unlisted: Sequence[Unlisted]) -> tuple[Unreadable, ...]:
    files = [Unreadable(source, reason) for (_, source), reason in sorted(failed.items())]
    return (*files, *(Unreadable(place.prefix, place.reason) for place in unlisted if place.reason))


def _spares(selection: Selection, answers_for: Callable[[Key], bool] | None) -> Callable[[Key], bool]:
    """Which documents stay although they are none of the items."""
    if answers_for is None:
        return selection.spares
    return lambda key: selection.spares(key) and not answers_for(key)


def _choice(settings: EmbeddingSettings, tell: Progress) -> Choice:
    """The embedding provider; its weights are fetched first when they are missing and may be."""
    choice = _choice_or_error(settings)
    is_local_model = settings.provider in ("auto", "sentence-transformers")
    if is_local_model and _may_download(settings):
        tell("weights", 0, 1)
        if fetch(settings):
            choice = choose(settings)
        tell("weights", 1, 1)
    if isinstance(choice, SettingsMismatch):
        raise choice
    return choice


def _choice_or_error(settings: EmbeddingSettings) -> Choice | SettingsMismatch:
    try:
        return choose(settings)
    except SettingsMismatch as error:
        return error


def _may_download(settings: EmbeddingSettings) -> bool:
    from importlib.util import find_spec

    is_hub_name = settings.model.count("/") == 1 and not settings.model.startswith((".", "/", "~"))
    wanted = settings.download and is_hub_name and local_folder(settings.model) is None
    return wanted and find_spec("sentence_transformers") is not None


def _nothing(selection: Selection, failed: dict[Key, str]) -> str:
    names = ", ".join(str(place) for place in selection.places)
    reasons = [(source, reason) for (_, source), reason in failed.items()]
    reasons += [(place.prefix, place.reason) for place in selection.unlisted]
    if reasons:
        source, reason = reasons[0]
        return f"None of the {len(reasons)} files in {names} could be read; the first: {source}: {reason}"
    return f"There is no file of a known kind in {names}; put documents there or set RAG__KNOWLEDGE"
