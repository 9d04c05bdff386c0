"""What arrives from the platform becomes a durable fact: messages, presses on cards, events around chats."""
