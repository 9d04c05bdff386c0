"""Passages to an answer: by a language model, or by quotation where there is none."""
