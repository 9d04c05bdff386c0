"""Documents on Feishu read into text, by the same readers as files: for the index, and for a link in a chat."""
