"""What `feishu-rag init` does: ask, check, write `.env` and `config.yaml`, say what to tick in the console."""
