"""Importing the package costs nothing heavy; each foreign library is imported by its one door, when it is opened."""

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "sentence_transformers",
    "faiss",
    "tantivy",
    "langchain_core",
    "langchain_openai",
    "langchain_text_splitters",
    "openai",
    "httpx",
    "onnxruntime",
    "numpy",
    "huggingface_hub",
)


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "rag",
        "rag.knowledge_base",
        "rag.ingestion.pipeline",
        "rag.events",
        "rag.errors",
        "rag.settings",
        "rag.documents",
    ],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert loaded_after(f"import {module}") == set()


def test_a_door_loads_its_own_library_only() -> None:
    assert loaded_after("import rag.index.local.bm25") == {"tantivy"}
    assert loaded_after("import rag.index.local.faiss") == {"faiss", "numpy"}
