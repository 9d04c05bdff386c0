"""What is remembered of questions, answers, votes, files and gaps: statements over the store."""
