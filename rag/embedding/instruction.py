"""What is put before a question."""

from rag.settings import EmbeddingSettings


def instruction(settings: EmbeddingSettings, folder: str = "") -> str:
    """The query instruction, when the model is a bge or the setting is not the built-in one.

    Other models were never trained on the built-in one. `folder` is the name of the folder the model lies in.
    """
    built_in = EmbeddingSettings().query_instruction
    is_for_it = "bge" in f"{settings.model} {folder}".lower() or settings.query_instruction != built_in
    return settings.query_instruction if is_for_it else ""
