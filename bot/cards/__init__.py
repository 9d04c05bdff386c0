"""What a card shows: pure functions from the state of an answer to Card JSON 2.0."""
