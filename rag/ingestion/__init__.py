"""Files and Feishu documents to an index."""
