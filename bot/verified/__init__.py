"""What people answer for good: how an answer is made, changed and asked about again, whoever does it and wherever."""
