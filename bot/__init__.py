"""The knowledge bot: composes `feishu` (the platform) and `rag` (the answers) into one service."""
