"""The chat API of the web door."""
