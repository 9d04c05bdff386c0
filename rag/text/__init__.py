"""Text as it is searched and cut: terms, words, figures, sentences, sections, chunks; the same for documents and
questions."""
