"""The store in Milvus."""
