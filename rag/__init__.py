"""Retrieval-augmented answering: a question goes in, a stream of answer events comes out.

A library of its own: it knows no chat platform. Importing it costs nothing; faiss, tantivy, langchain and the embedding
runtime are imported only by the one module that opens each of them.
"""
