"""A scripted model for the demo: OpenAI's protocol on loopback, and answers put together from the passages by rules.

It stands in for a language model where nobody has configured one, and is named as what it is. It gets the prompts that
any model gets and knows nothing but them. It understands no language: it finds sentences by the question's words.
"""
