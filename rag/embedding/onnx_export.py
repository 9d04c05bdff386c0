"""A sentence-transformers model to ONNX in eight bits, for `rag.embedding.onnx`: done once, on a machine with torch.

The smallest model is kept whose vectors agree with the original's on what the model can read: eight bits throughout;
else eight bits but for the layers that narrow, whose inputs vary most (a feed-forward's second half); else all in full.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.embedding.families import instructions, write_prompts
from rag.embedding.instructions import instructed
from rag.embedding.language_check import PAIRS, READS_FROM, reading
from rag.embedding.model_files import local_folder
from rag.embedding.protocol import PROBE_TEXT, Embedder
from rag.errors import EmbeddingFailed, SettingsMismatch
from rag.settings import EmbeddingSettings

LEAST_COSINE = 0.99
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was kept: its file, `int8`, `mixed` or `full`, and the least cosine to the original's vectors."""

    file: Path
    kind: str
    cosine: float


def export(settings: EmbeddingSettings, folder: Path) -> Exported:
    """Write tokenizer.json and one .onnx file into `folder`.

    Blocking, some seconds. Raises SettingsMismatch (extra or weights missing) and EmbeddingFailed.
    """
    source = local_folder(settings.model)
    if source is None:
        raise SettingsMismatch(f"The weights of {settings.model} are not on this machine; set RAG__EMBEDDING__MODEL")
    try:
        import onnx  # noqa: F401 - torch writes through it
        import torch  # noqa: F401
        from onnxruntime.quantization import QuantType, quantize_dynamic

        from rag.embedding.onnx import OnnxEmbedder
        from rag.embedding.sentence_transformers import SentenceEmbedder
    except ImportError as error:
        raise SettingsMismatch("export-onnx needs pip install 'feishu-rag[bge,onnx]' onnx") from error
    folder.mkdir(parents=True, exist_ok=True)
    original = SentenceEmbedder(source, settings)
    full, small = folder / "model.onnx", folder / "model_int8.onnx"
    _write(source, full)
    shutil.copyfile(source / "tokenizer.json", folder / "tokenizer.json")
    _write_pooling(source, folder)
    rule = instructions(settings, source)
    write_prompts(folder, rule)  # the folder's name need not tell the family
    texts = _readable(instructed(original, rule))
    for kind, left_out in (("int8", []), ("mixed", _narrowing(full))):
        quantize_dynamic(full, small, per_channel=True, weight_type=QuantType.QInt8, nodes_to_exclude=left_out)
        cosine = _agreement(OnnxEmbedder(folder, settings), original, texts)
        if cosine >= LEAST_COSINE:
            full.unlink()
            return Exported(small, kind, cosine)
        small.unlink()
    cosine = _agreement(OnnxEmbedder(folder, settings), original, texts)
    if cosine < LEAST_COSINE:
        raise EmbeddingFailed(f"{settings.model} gives other vectors by onnxruntime (cosine {cosine:.3f}): not usable")
    return Exported(full, "full", cosine)


def _readable(original: Embedder) -> list[str]:
    """Texts, short and long, of the languages that the model reads; of all when it reads none."""
    shares = reading(original)
    languages = [language for language, share in shares.items() if share >= READS_FROM] or list(shares)
    pairs = [line for language in languages for line in PAIRS[language].split("\n")]
    probe = [PROBE_TEXT] if "zh" in languages else []
    texts = [*probe, *(side for line in pairs for side in line.split("|"))]
    return [*texts, *(" ".join(texts[at::4] * 40) for at in range(4))]  # longer than any window


def _narrowing(file: Path) -> list[str]:
    """Names of the matrix products whose weights have more rows than columns."""
    import onnx

    graph = onnx.load(str(file)).graph
    shapes = {weights.name: tuple(weights.dims) for weights in graph.initializer}
    return [
        node.name
        for node in graph.node
        if node.op_type == "MatMul" and len(shape := shapes.get(node.input[1], ())) == 2 and shape[0] > shape[1]
    ]


def _write(source: Path, file: Path) -> None:
    import torch
    from transformers import AutoModel

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(source, attn_implementation="eager", local_files_only=True).eval()

        def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
            state: torch.Tensor = self.model(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
            return state

    ones = torch.ones((2, 8), dtype=torch.long)
    names = [*_INPUTS, "last_hidden_state"]
    try:
        torch.onnx.export(
            Plain().eval(),
            (ones, ones, torch.zeros_like(ones)),
            str(file),
            input_names=list(_INPUTS),
            output_names=["last_hidden_state"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in names},
            dynamo=False,
        )
    except Exception as error:  # torch's exporter raises whatever the model's code raises
        raise EmbeddingFailed(f"{source.name} could not be exported ({type(error).__name__})") from error


def _write_pooling(source: Path, folder: Path) -> None:
    """Whether the model takes its first token or the mean of all, and how many it reads, as it was trained."""
    for name in ("1_Pooling/config.json", "sentence_bert_config.json", "tokenizer_config.json", "config.json"):
        if (source / name).is_file():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source / name, folder / name)


def _agreement(one: Embedder, other: Embedder, texts: Sequence[str]) -> float:
    return float(np.sum(one.embed_passages(texts) * other.embed_passages(texts), axis=1).min())
