"""Documents of the sandbox as pages: what opens when a person clicks a link to one of them in the chat page."""
