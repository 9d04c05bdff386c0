"""Text streamed into a card, and the card closed whatever happens."""
