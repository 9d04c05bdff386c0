"""Answers that somebody stands for: the values, and whether a question is one of those they answer."""
