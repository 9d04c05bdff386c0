"""From a job to a closed card: the turn, its writing, what it concludes, and jobs without an answer."""
