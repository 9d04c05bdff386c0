"""OpenAI's protocol over the knowledge base."""
