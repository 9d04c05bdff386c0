"""A question to passages: by words and by vectors, fused, with what speaks for an answer."""
