"""A question out of an English heading, worded as a colleague would ask it. Pure."""

import re

from bot.texts import EN

LONGEST_CHARS = 40

_TITLE_ENDING = re.compile(
    r"\s*\b(?:(?:user|quick|reference|getting[- ]started)\s+)?(?:guide|handbook|manual|policy|policies"
    r"|quick ?start|faq|rules|documentation|docs|overview|tutorial)\s*$",
    re.IGNORECASE,
)
_ASKS = re.compile(r"^(?:how|what|when|where|who|why|which|can|do|does|is|are|should|may)\b", re.IGNORECASE)
_VAGUE = re.compile(
    r"^(?:overview|introduction|intro|background|purpose|scope|summary|appendix.*|other|others|miscellaneous|misc|notes?"
    r"|references?|see also|related.*"
    r"|changelog|history|contents|definitions?|glossary|general|feedback|examples?|details"
    r"|further reading|about.*)$",
    re.IGNORECASE,
)
_WHEN = re.compile(r"^(before|after|when|while|if) you\b (.+)$", re.IGNORECASE)
_CONTACT = re.compile(r"^(?:contacts?|contact us|support|getting help|help|who to contact)$", re.IGNORECASE)
_EXCEPTIONS = re.compile(r"^exceptions?$", re.IGNORECASE)
_DEMANDS = re.compile(r"^(.*?)\s*\b(?:requirements?|prerequisites?|eligibility|conditions)$", re.IGNORECASE)
_AMOUNT = re.compile(r"\b(?:allowance|fee|budget|cost|price|rate|stipend|bonus)$", re.IGNORECASE)
_SPAN = re.compile(r"\b(?:period|deadline|duration|validity|notice)$", re.IGNORECASE)
_RUNS = re.compile(
    r"(?:tion|ment|sion|ship|ance|ence|(?<!hous)ing|support|recovery|access|programme|program|process|procedure|scheme|workflow|model|webhooks?|payroll)$",
    re.IGNORECASE,
)
_ASKABLE = re.compile(r"(?:software|hardware|equipment|access|licen[cs]e|account|laptop|permission)$", re.IGNORECASE)
_ASKED_FOR = re.compile(r"\brequests?$", re.IGNORECASE)
_ONE = re.compile(r"(?:programme|program|process|procedure|scheme|workflow|model)$", re.IGNORECASE)
_COUNTED = re.compile(
    r"\b(?:limits|errors|codes|requests|words|kits|versions|times|priorities|fees|rules|steps|hours|types|levels|benefits|roles|holidays|dates"
    r"|addresses|options|costs|rates|prices|duties|responsibilities|deadlines|reasons|parts|components|features|tools|channels|documents|forms)$",
    re.IGNORECASE,
)
_EMERGENCY = re.compile(r"^(?:emergenc(?:y|ies)|incidents?|outages?|accidents?)$", re.IGNORECASE)
_TEAM = re.compile(r"\b(?:helpdesk|desk|team|department|support|service)$", re.IGNORECASE)
_GERUND = re.compile(r"^([A-Za-z]{2,})ing\b(.*)$")
_WORDS_NO_VERB = """
    train meet hous parking build ceil even morn noth someth dur pric shipp bill pag onboard offboard
"""
_NO_VERB = frozenset(_WORDS_NO_VERB.split())
_WORDS_SILENT_E = """
    us writ shar mak tak stor creat updat manag chang clos enabl disabl configur rotat generat delet schedul purchas
    approv receiv remov escalat leav mov resolv invit merg brows restor renam replac replicat upgrad sav driv hir
    handl reimburs exchang secur prepar issu
"""
_SILENT_E = frozenset(_WORDS_SILENT_E.split())


def english_question(title: str, names: list[str]) -> str:
    """The question of a section; "" for none. `names` are its headings from the top, without numbering."""
    topic = _TITLE_ENDING.sub("", title).strip() or title
    if not names:
        return _fit(EN.ask_works.format(subject=_lowered(topic)), EN.ask_about.format(subject=_lowered(topic)))
    name, above = names[-1], names[-2] if len(names) > 1 else ""
    if name.endswith("?"):
        return name
    if match := _WHEN.match(name):
        return _fit(EN.ask_when_do.format(when=f"{match.group(1).lower()} I {_mine(match.group(2))}"))
    if _ASKS.match(name):
        return f"{name}?"
    if _EXCEPTIONS.match(name):
        return _fit(EN.ask_exceptions.format(subject=_lowered(topic)))
    if _VAGUE.match(name):
        return ""
    if _CONTACT.match(name):
        if _TEAM.search(topic):
            return _fit(EN.ask_how.format(action=f"contact the {topic}"))
        return _fit(EN.ask_who.format(subject=topic))
    return _by_noun(name, above, topic)


def _by_noun(name: str, above: str, topic: str) -> str:
    lowered = _lowered(name)
    if match := _DEMANDS.match(name):
        return _fit(EN.ask_demands.format(subject=_lowered(match.group(1) or topic)))
    if action := _action(name):
        return _fit(EN.ask_how.format(action=action))
    if above and _ASKED_FOR.search(above) and not name.endswith("s") and _ASKABLE.search(name):
        return _fit(EN.ask_how.format(action=f"request {lowered}"))
    if _AMOUNT.search(name):
        return _fit(EN.ask_how_much.format(subject=lowered))
    if _SPAN.search(name):
        return _fit(EN.ask_how_long.format(subject=lowered))
    is_one_word = " " not in name
    longer = f"{topic} {lowered}" if is_one_word and not above else lowered
    if _EMERGENCY.match(name):
        return _fit(EN.ask_when_do.format(when=f"in {lowered}"))
    if _RUNS.search(name):
        template = EN.ask_work if name.endswith("s") or " and " in name else EN.ask_works
        longer, lowered = (f"the {each}" if _ONE.search(name) else each for each in (longer, lowered))
        return _fit(*(template.format(subject=each) for each in (longer, lowered)))
    if _COUNTED.search(name):
        return _fit(*(EN.ask_what_are.format(subject=each) for each in (longer, lowered)))
    return _fit(EN.ask_about.format(subject=lowered))


def _action(name: str) -> str:
    """Collecting diagnostics → collect diagnostics; "" where the heading begins with no such verb."""
    match = _GERUND.match(name)
    if not match or not match.group(2).strip() or match.group(2).strip().startswith(("and", "for", "in", "with")):
        return ""
    stem = match.group(1).lower()
    if stem in _NO_VERB:
        return ""
    if stem in _SILENT_E:
        stem += "e"
    elif len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        stem = stem[:-1]
    return f"{stem}{_mine(match.group(2))}"


def _mine(text: str) -> str:
    return re.sub(r"\byours?\b", "my", text)


def _lowered(name: str) -> str:
    """As it stands within a sentence: an acronym or a name that is written with capitals keeps them."""
    words = name.split()
    is_titled = len(words) > 1 and all(word[:1].isupper() for word in words)
    first = words[0] if words else ""
    keeps = is_titled or not first or any(sign.isupper() or sign.isdigit() for sign in first[1:])
    return name if keeps else name[0].lower() + name[1:]


def _fit(*questions: str) -> str:
    """The first that is short enough."""
    return next((each for each in questions if len(each) <= LONGEST_CHARS), "")
