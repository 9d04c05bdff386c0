"""Ordering the first passages anew: by a cross-encoder or a `/rerank` endpoint."""
