"""How an answer reaches people, whatever the platform refuses: on its card, beside it, as text."""
