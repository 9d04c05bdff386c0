"""The store in a folder: chunks in SQLite, words in tantivy, vectors in FAISS."""
