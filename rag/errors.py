"""Everything that can go wrong in retrieval and answering.

RagError
├─ IngestError            a folder or file could not be taken in
│  ├─ Unreadable          one file; the rest goes on
│  ├─ IndexBusy           another ingest writes to the index
│  ├─ FileRefused         a file may not be put into a folder of documents, or taken out of it
│  └─ ReadersUnavailable  no process can be started to read files
├─ SettingsMismatch       a setting cannot work (a prompt lacks its variable, a model folder is not there, …)
├─ IndexUnusable
│  ├─ IndexMissing        nothing was ingested yet
│  ├─ IndexMismatch       built with another model, dimension or prompt
│  └─ IndexCorrupt        files are damaged
├─ EmbeddingFailed        the embedding model or endpoint refused
│  └─ TextsRefused        it refused some of the texts; holds the vectors of the others
└─ GenerationFailed       `partial` says whether any text had been shown
   ├─ ModelUnavailable    refused connection, 5xx, wrong address
   │  └─ ModelOverloaded  its server says that it has too much to do
   ├─ ModelRejected       wrong key, bad request
   │  ├─ NoCredit         the account has no credit
   │  ├─ NoSuchModel      the server does not know the model
   │  └─ NotAModel        what answers there is no server of OpenAI's protocol
   ├─ ModelTimeout        no first token, a stall, or the whole took too long
   ├─ ContextTooLong      question and passages exceed the model's window
   └─ ContentRefused      the model's provider refused the content

Each message is one sentence that names what to fix; none holds a secret or the person's text.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Refusal = Literal[
    "name", "kind", "size", "empty", "exists", "folder", "read_only", "full", "order", "missing", "elsewhere"
]
"""Why a file is refused: its name, kind or size; nothing is in it; there is one of that name; there is no such folder,
it cannot be written, or its disk is full; parts came out of order; it is not there, or not in a folder of ours."""


class RagError(Exception):
    """Root of all errors of this package."""


class IngestError(RagError):
    """A folder or file could not be taken in."""


class Unreadable(IngestError):
    """One file cannot be read; carries its `source` and `reason`.

    `temporary` when it may work the next time (a network failure): what the index has of it stays.
    `too_large` when only its size forbids it.
    """

    def __init__(self, source: str, reason: str, *, temporary: bool = False, too_large: bool = False) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason
        self.temporary = temporary
        self.too_large = too_large


class IndexBusy(IngestError):
    """Another ingest writes to the index; it can be tried again once that has ended."""


class FileRefused(IngestError):
    """A file may not be put into a folder of documents, or taken out of it; `why` says so in a word."""

    def __init__(self, why: Refusal, message: str) -> None:
        super().__init__(message)
        self.why = why


class ReadersUnavailable(IngestError):
    """No process can be started to read files; it is not the fault of any file."""


class SettingsMismatch(RagError):
    """A setting cannot work as written."""


class IndexUnusable(RagError):
    """The index cannot serve."""


class IndexMissing(IndexUnusable):
    """Nothing was ingested yet."""


class IndexMismatch(IndexUnusable):
    """Built with another model, dimension or prompt than configured now."""


class IndexCorrupt(IndexUnusable):
    """Files of the index are damaged or missing."""


class EmbeddingFailed(RagError):
    """The embedding model or endpoint refused."""


class TextsRefused(EmbeddingFailed):
    """Some of the texts have no vector: `refused` says why by their places; `vectors` are those of the others."""

    def __init__(self, refused: "Mapping[int, str]", vectors: "NDArray[np.float32]") -> None:
        super().__init__(f"{len(refused)} texts {next(iter(refused.values()))}")
        self.refused = refused
        self.vectors = vectors


class GenerationFailed(RagError):
    """The model did not finish. `partial` is True when text had already been streamed."""

    def __init__(self, message: str, *, partial: bool = False) -> None:
        super().__init__(message)
        self.partial = partial


class ModelUnavailable(GenerationFailed):
    """The model's server cannot be reached or fails."""


class ModelOverloaded(ModelUnavailable):
    """The model's server says that it has too much to do."""


class ModelRejected(GenerationFailed):
    """The model's server refuses the key, the model name or the request."""


class NoCredit(ModelRejected):
    """The account at the model's provider has no credit."""


class NoSuchModel(ModelRejected):
    """The model's server does not know the model."""


class NotAModel(ModelRejected):
    """What answers at the model's address is no server of OpenAI's protocol."""


class ModelTimeout(GenerationFailed):
    """No first token, a stall, or the whole took too long."""


class ContextTooLong(GenerationFailed):
    """Question and passages exceed the model's window."""


class ContentRefused(GenerationFailed):
    """The model's provider refused the content."""
