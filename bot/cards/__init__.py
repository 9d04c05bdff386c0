"""What a card shows, and how it reaches people whatever the platform refuses."""
