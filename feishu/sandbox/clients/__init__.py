"""What people do in their clients: they write, react, recall, and press what a card offers."""
