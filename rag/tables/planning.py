"""A question and a table to a plan, or to the reason why there is none. Rules only; what is not understood whole is not
computed. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from rag.tables.conditions import CannotBind
from rag.tables.operations import EXTREMES, Planner
from rag.tables.plan import TablePlan, Unclear
from rag.tables.reading import Lexicon, TableMention, plain_reading


def asks_for_all(folded: str) -> bool:
    """Whether a question, by its own words, wants something counted, added up or compared over many: how many in all,
    the average, which is the highest. What one may, can or must do is none of that."""
    mentions = plain_reading(folded)
    kinds = {mention.kind for mention in mentions}
    if "modal" in kinds or "say" in kinds:
        return False
    asks = bool(kinds & {"count", "howmuch", "money", "spend", "which", "who", "each", "where"})
    is_sum = bool(kinds & {"sum", "average"}) and bool(asks or kinds & {"all", "which"})
    # What is the maximum: a limit that somebody set, not one that is found by comparing.
    compares = any(each.kind == "which" and not each.text.startswith("what") for each in mentions)
    is_extreme = bool(kinds & {*EXTREMES, "top"}) and (compares or bool(kinds & {"who", "where", "top", "some"}))
    return is_sum or is_extreme or ({"count", "all"} <= kinds)


def plan_for(folded: str, lexicon: Lexicon, today: date) -> TablePlan | Unclear:
    """What a folded question wants of a table."""
    mentions = lexicon.read(folded)
    score = sum(len(each.text) for each in mentions if each.kind in ("value", "column", "context"))
    try:
        plan = Planner(lexicon.table, mentions, today).plan()
    except CannotBind as error:
        is_understood = not any(each.kind == "unknown" for each in mentions)
        return Unclear(str(error), _wants_count(mentions), score if is_understood else 0)
    score += _as_subject(plan, mentions, lexicon)
    return replace(plan, score=score) if score else Unclear("nothing of this table is said")


def _wants_count(mentions: Sequence[TableMention]) -> bool:
    """Whether something is counted or compared that the table speaks of: two of its words, and no word of what is
    allowed."""
    kinds = {each.kind for each in mentions}
    said = sum(each.kind in ("value", "column", "context") for each in mentions)
    is_extreme = bool(kinds & set(EXTREMES)) and bool(kinds & {"which", "who"})
    counts = bool(kinds & {"count", "sum", "average", "top"}) or is_extreme
    return counts and said > 1 and not kinds & {"modal", "say"}


def _as_subject(plan: TablePlan, mentions: Sequence[TableMention], lexicon: Lexicon) -> int:
    """More for a table that lists what is asked for than for one that only mentions it: suppliers are counted in the
    list of suppliers, not among those who got an order."""
    named = [each for each in mentions if each.kind == "column" and each.text in lexicon.context]
    is_named = any(plan.table.columns[at].is_key for each in mentions for at in each.columns)
    is_people = any(each.kind == "people" or each.groups.get("of") == "人" for each in mentions)
    lists = plan.operation == "count" and (is_named or is_people)
    return sum(len(each.text) for each in named) + 2 * lists
