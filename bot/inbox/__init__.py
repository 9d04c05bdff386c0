"""Nothing accepted is lost: jobs in the store, the workers that run them, and the replicas that share them."""
