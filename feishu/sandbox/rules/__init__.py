"""What the platform decides: who may write to a card or message, how often, and what it may hold."""
