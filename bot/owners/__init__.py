"""What the owners of documents are asked once a week: questions without an answer, answers that are disliked, documents
that are old, sentences that contradict each other."""
