"""The web door: chat, API and admin page."""
