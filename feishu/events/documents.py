"""What happens to documents that the app subscribed to: edited, renamed, removed, a new one in a folder. Pure.

Shapes: open.feishu.cn/document drive-v1/event/list. For wikis there are no events.
"""

from dataclasses import dataclass
from typing import Literal

from feishu.events.chats import Happened, Json, identifier, optional_id

Change = Literal["edited", "removed", "created"]
_CHANGES: dict[str, Change] = {
    "drive.file.edit_v1": "edited",
    "drive.file.title_updated_v1": "edited",
    "drive.file.bitable_record_changed_v1": "edited",
    "drive.file.bitable_field_changed_v1": "edited",
    "drive.file.trashed_v1": "removed",
    "drive.file.deleted_v1": "removed",
    "drive.file.created_in_folder_v1": "created",
}


@dataclass(frozen=True, slots=True)
class DocumentChanged(Happened):
    """A document by its own token (a wiki page's is that of the document in it)."""

    token: str
    kind: str
    """`docx`, `sheet`, `bitable`, `file`, …; "" where the event does not say."""
    change: Change


def parse_document_event(event_type: str, envelope: tuple[str, str, str, float], body: Json) -> DocumentChanged | None:
    """The event of this type; None for a type that is not among these. `envelope` holds the fields of `Happened`.

    Raises `Malformed` without a token."""
    change = _CHANGES.get(event_type)
    if change is None:
        return None
    token = identifier(body.get("file_token"), "event without file_token")
    return DocumentChanged(*envelope, token, optional_id(body.get("file_type")), change)
