"""What the app has to be allowed in the developer console: scopes, events and callbacks, by the features that need it.

The one table of it, for `feishu-rag init`, `feishu-rag doctor` and the documents. Sources: open.feishu.cn/document, the
"required scopes" of each API and event.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.settings import Settings
from feishu.documents.links import target_of

Level = Literal["must", "should", "may"]
"""`must`: a feature that is in use does not work without. `should`: it works less well. `may`: nothing needs it now."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What the bot does with scopes. Each group of `scopes` is needed; any scope of a group will do, and the first is
    the least. `lost` ends the sentence "without it …"."""

    name: str
    scopes: tuple[tuple[str, ...], ...]
    lost: str
    level: Callable[[Settings], Level] = lambda _settings: "must"

    def missing(self, granted: frozenset[str]) -> tuple[str, ...]:
        """The least scope of each group of which none is granted."""
        return tuple(group[0] for group in self.scopes if not granted.intersection(group))

    @property
    def least(self) -> tuple[str, ...]:
        """The least scope of each group."""
        return tuple(group[0] for group in self.scopes)


@dataclass(frozen=True, slots=True)
class Subscription:
    """An event or callback, and what it is for. `is_needed`: nothing is answered without it."""

    name: str
    purpose: str
    is_needed: bool = False


def _links(*kinds: str) -> Callable[[Settings], Level]:
    """Needed where a link of one of these kinds is configured; of any kind where none is named."""

    def level(settings: Settings) -> Level:
        found = {target.kind for _, link in settings.links() if (target := target_of(link))}
        return "must" if found and (not kinds or found.intersection(kinds)) else "may"

    return level


def _helps_links(settings: Settings) -> Level:
    return "should" if _links()(settings) == "must" else "may"


def _every_message(settings: Settings) -> Level:
    people = settings.bot.people
    if people.silent_chats:
        return "must"
    return "should" if people.owners else "may"


def _mirrored(settings: Settings) -> Level:
    return "must" if settings.bot.access.rights == "mirror" and any(settings.links()) else "may"


def _mirrored_wiki(settings: Settings) -> Level:
    return "must" if _mirrored(settings) == "must" and _links("space", "wiki")(settings) == "must" else "may"


FEATURES = (
    Feature("private chats", (("im:message.p2p_msg:readonly",),), "no message of a private chat arrives"),
    Feature(
        "mentions in groups",
        (
            (
                "im:message.group_at_msg:readonly",
                "im:message.group_at_msg.include_bot:readonly",
                "im:message.group_msg",
            ),
        ),
        "no message of a group arrives",
    ),
    Feature("replies", (("im:message:send_as_bot", "im:message"),), "nothing can be answered"),
    Feature("answer cards", (("cardkit:card:write",),), "answers come on plain cards that do not stream, and slowly"),
    Feature(
        "files, pictures and quoted messages",
        (("im:message:readonly", "im:message"),),
        "files, pictures, forwards and the message that is replied to cannot be read",
        lambda _settings: "should",
    ),
    Feature(
        "names of people",
        (("contact:contact.base:readonly",), ("contact:user.base:readonly",)),
        "people in forwarded conversations have no names",
        lambda _settings: "should",
    ),
    Feature(
        "Feishu wikis",
        (("wiki:wiki:readonly", "wiki:wiki"),),
        "the wikis of rag.links cannot be listed",
        _links("space", "wiki"),
    ),
    Feature(
        "Feishu folders",
        (("drive:drive:readonly", "space:document:retrieve", "drive:drive"),),
        "the folders of rag.links cannot be listed",
        _links("folder"),
    ),
    Feature(
        "Feishu documents",
        (("docx:document:readonly", "docx:document"),),
        "the documents of rag.links cannot be read",
        _links(),
    ),
    *(
        Feature(f"Feishu {name}", (scopes,), lost, _helps_links)
        for name, scopes, lost in (
            (
                "documents whose blocks are closed",
                ("docs:document.content:read",),
                "documents whose blocks cannot be read are left out",
            ),
            (
                "spreadsheets",
                ("sheets:spreadsheet:readonly", "sheets:spreadsheet", "drive:drive:readonly", "drive:drive"),
                "spreadsheets cannot be read",
            ),
            (
                "spreadsheets as they are seen, old documents",
                ("docs:document:export", "drive:export:readonly"),
                "spreadsheets are read by their values, old documents not at all",
            ),
            ("bitables", ("bitable:app:readonly", "bitable:app", "base:record:retrieve"), "bitables cannot be read"),
            (
                "files of the drive",
                ("drive:file:download", "drive:drive:readonly", "drive:drive"),
                "files of the drive cannot be read",
            ),
            (
                "pictures and attachments",
                ("docs:document.media:download", "drive:drive:readonly", "drive:drive"),
                "pictures and attachments in documents cannot be read",
            ),
            (
                "documents' dates",
                ("drive:drive.metadata:readonly", "drive:drive"),
                "sources have no date, and every document is read again at each look",
            ),
            ("reports of edits", ("docs:event:subscribe", "drive:drive"), "edits are seen at the next look only"),
        )
    ),
    Feature(
        "rights of documents",
        (
            ("docs:permission.member:retrieve", "drive:drive", "wiki:wiki"),
            ("docs:permission.setting:read", "docx:document", "drive:drive:readonly", "drive:drive", "wiki:wiki"),
        ),
        "nobody may read any document, since it is not known who may (bot.access.rights)",
        _mirrored,
    ),
    Feature(
        "members of wikis",
        (("wiki:member:retrieve", "wiki:wiki:readonly", "wiki:wiki"),),
        "members of private wikis may read nothing by that",
        _mirrored_wiki,
    ),
    Feature(
        "who the readers are",
        (
            ("im:chat.members:read", "im:chat:readonly", "im:chat"),
            ("contact:contact.base:readonly", "contact:contact:readonly_as_app"),
            ("contact:user.department:readonly", "contact:contact:readonly_as_app"),
            ("contact:group:readonly",),
        ),
        "what is shared with groups, departments or user groups is open to nobody",
        _mirrored,
    ),
    Feature(
        "names of departments and groups",
        (
            ("contact:department.base:readonly", "contact:contact:readonly_as_app"),
            ("im:chat:readonly", "im:chat:read", "im:chat"),
        ),
        "/why and /admin name departments and groups by their ids",
        lambda settings: "should" if _mirrored(settings) == "must" else "may",
    ),
    Feature(
        "all messages of groups",
        (("im:message.group_msg",),),
        "follow-ups and owners' replies in groups are heard only with a mention, questions in silent chats never",
        _every_message,
    ),
    Feature(
        "summaries of topics",
        (("im:message.history:readonly", "im:message:readonly", "im:message"), ("im:message.group_msg",)),
        "/summary can read no topic of a group; forwards and replies it can",
        lambda _settings: "may",
    ),
    Feature(
        "slash commands",
        (("application:app_slash_command:read",), ("application:app_slash_command:write",)),
        "feishu-rag init cannot put the commands into the client's / list",
        lambda _settings: "may",
    ),
)

EVENTS = (
    Subscription("im.message.receive_v1", "messages", is_needed=True),
    Subscription("im.message.reaction.created_v1", "votes by emoji"),
    Subscription("im.message.reaction.deleted_v1", "votes by emoji that are taken back"),
    Subscription("im.message.recalled_v1", "a question that is recalled takes its answer along"),
    Subscription("im.chat.member.bot.added_v1", "the welcome in a group"),
    Subscription("im.chat.access_event.bot_p2p_chat_entered_v1", "the welcome in a private chat"),
    Subscription("application.bot.menu_v6", "menu entries named after commands, like help"),
    *(
        Subscription(f"drive.file.{name}_v1", "documents of rag.links are read again when they change")
        for name in (
            "edit",
            "title_updated",
            "bitable_record_changed",
            "bitable_field_changed",
            "trashed",
            "deleted",
            "created_in_folder",
        )
    ),
    *(
        Subscription(name, "mirrored rights: who reads an answer is looked up at once when it changes")
        for name in (
            "im.chat.member.user.added_v1",
            "im.chat.member.user.deleted_v1",
            "im.chat.member.user.withdrawn_v1",
            "im.chat.member.bot.deleted_v1",
            "im.chat.disbanded_v1",
            "contact.user.updated_v3",
            "contact.user.deleted_v3",
            "contact.department.updated_v3",
            "contact.department.deleted_v3",
            "contact.scope.updated_v3",
            "drive.file.permission_member_added_v1",
            "drive.file.permission_member_removed_v1",
        )
    ),
)
CALLBACKS = (Subscription("card.action.trigger", "the buttons of cards", is_needed=True),)
