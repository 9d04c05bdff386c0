"""What a model wants before a question and before a passage, by the family that its name tells.

Most embedding models were trained with a fixed text before one or both sides; without it, or with another model's, they
find less. The rule comes from, in this order: the setting, where it is neither `auto` nor the former default; the
checkpoint's own prompts, where its folder states some; the table below, whose comments name the model card's rule; and
else nothing is put before anything.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePath

from rag.settings import EmbeddingSettings

AUTO, NONE = "auto", "none"
BGE_ZH = "为这个句子生成表示以用于检索相关文章："
FORMER_DEFAULT = BGE_ZH
"""What `query_instruction` was by default before it was `auto`. Written configurations hold it for every model, and it
was only used for bge: it counts as `auto`."""
BGE_EN = "Represent this sentence for searching relevant passages: "
_TASK = "Given a web search query, retrieve relevant passages that answer the query"
_INSTRUCT = f"Instruct: {_TASK}\nQuery: "
_PROMPTS = "config_sentence_transformers.json"
_QUERY_PROMPTS = ("query", "search_query", "retrieval.query", "s2p_query")
_PASSAGE_PROMPTS = ("document", "passage", "search_document", "retrieval.passage")


@dataclass(frozen=True, slots=True)
class Instructions:
    """Texts put before each question and each passage; empty for none."""

    query: str = ""
    passage: str = ""


# The first pattern found decides. Names come in lower case, with "-" for all that is neither a letter nor a digit.
_FAMILIES: tuple[tuple[str, Instructions], ...] = (
    # bge: -zh and -en have a query instruction each, v1 and v1.5; m3 and the models called noinstruct have none.
    (r"bge.*(-m3|noinstruct|-micro)", Instructions()),
    (r"bge.*-(multilingual-gemma2|en-icl)", Instructions(f"<instruct>{_TASK}\n<query>")),
    (r"bge.*-en(-|$)", Instructions(BGE_EN)),
    (r"^bge-large(-335m|-latest|-fp16)*$", Instructions(BGE_EN)),  # Ollama's name for bge-large-en-v1.5
    (r"bge", Instructions(BGE_ZH)),  # -zh, and fine-tuned ones whose names tell no language
    # e5: the instruct ones are told the task before queries; all others have "query: " and "passage: ", v2 too.
    (r"(^|-|[a-z])e5-.*instruct", Instructions(_INSTRUCT)),
    (r"(^|-|nano|^m)e5(-|$)", Instructions("query: ", "passage: ")),
    # gte: the ones made of Qwen are told the task; the BERT-like ones (zh, en, v1.5, multilingual) have none.
    (r"(^|-)gte-qwen", Instructions(_INSTRUCT)),
    # Qwen3-Embedding: the task before queries only.
    (r"qwen-?3.*embedding", Instructions(_INSTRUCT)),
    # nomic-embed-text: a task prefix on both sides; nomic-embed-code: another text, before queries only.
    (r"nomic-embed-code", Instructions("Represent this query for searching relevant code: ")),
    (r"nomic-embed|modernbert-embed", Instructions("search_query: ", "search_document: ")),
    # snowflake-arctic-embed: v1 and v1.5 as bge in English, v2.0 (Ollama: arctic-embed2) "query: ".
    (r"arctic-embed(2(-|$)|.*-v2)", Instructions("query: ")),
    (r"arctic-embed", Instructions(BGE_EN)),
    # mxbai-embed: queries only, as bge in English; the German one as e5.
    (r"mxbai-embed-de", Instructions("query: ", "passage: ")),
    (r"mxbai-embed", Instructions(BGE_EN)),
    # stella and jasper: the English ones of v5 are told the task (their prompt s2p_query); the Chinese ones have none.
    (r"stella-en.*v5|jasper-en", Instructions(f"Instruct: {_TASK}.\nQuery: ")),
    # EmbeddingGemma: its retrieval prompts.
    (r"embedding-?gemma", Instructions("task: search result | query: ", "title: none | text: ")),
    # Trained without, or told the task by an argument and not in the text (jina v3): nothing. So is any other name.
    (r"minilm|mpnet|labse|(^|-)gte(-|$)|m3e|text2vec|piccolo|conan|acge|xiaobu|stella|jina|bce-embed", Instructions()),
    (r"text-embedding", Instructions()),  # OpenAI, DashScope
)


def instructions(settings: EmbeddingSettings, folder: Path | None = None) -> Instructions:
    """What is put before texts for this model; `folder` holds its files, where it has any here."""
    family = _own_prompts(folder) if folder is not None else None
    family = family or by_name(settings.model)
    return Instructions(
        _chosen(settings.query_instruction, family.query), _chosen(settings.passage_instruction, family.passage)
    )


def is_given(setting: str) -> bool:
    """Whether an instruction was set by somebody, and is not left to the model's family."""
    return setting.strip().lower() != AUTO and setting != FORMER_DEFAULT


def by_name(name: str) -> Instructions:
    """The rule of the family that a name or a folder belongs to; nothing for names that no family has."""
    return _found(name) or Instructions()


def _found(name: str) -> Instructions | None:
    """By the last part of the name, else by the one above it: `e5/onnx-int8` is an e5."""
    for part in reversed(PurePath(name.replace("\\", "/")).parts[-2:]):
        plain = re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-")
        for pattern, rule in _FAMILIES:
            if re.search(pattern, plain):
                return rule
    return None


def before_families(configured: str, model: str) -> str:
    """What an index of the version before put before questions: the built-in text for bge alone. Passages: nothing."""
    return "" if configured == FORMER_DEFAULT and "bge" not in model.lower() else configured


def write_prompts(folder: Path, rule: Instructions) -> None:
    """Leave the instructions in a folder of weights, whatever it will be called."""
    prompts = {"prompts": {"query": rule.query, "document": rule.passage}}
    (folder / _PROMPTS).write_text(json.dumps(prompts, ensure_ascii=False, indent=1), encoding="utf-8")


def _own_prompts(folder: Path) -> Instructions | None:
    """The prompts in a checkpoint's folder. Empty ones say nothing: they are written for every model."""
    try:
        prompts = json.loads((folder / _PROMPTS).read_text(encoding="utf-8"))["prompts"]
        named = {str(key).lower(): str(text) for key, text in prompts.items() if isinstance(text, str)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    own = Instructions(_first(named, _QUERY_PROMPTS), _first(named, _PASSAGE_PROMPTS))
    return None if own == Instructions() else own


def _first(prompts: dict[str, str], names: tuple[str, ...]) -> str:
    return next((prompts[name] for name in names if prompts.get(name)), "")


def _chosen(setting: str, family: str) -> str:
    if not is_given(setting):
        return family
    return "" if setting.strip().lower() == NONE else setting
