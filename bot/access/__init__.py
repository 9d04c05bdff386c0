"""Who may see what: the rules of collections, the rights of documents, and who the readers of an answer are."""
