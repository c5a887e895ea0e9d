"""Circuit breakers: what they guard, what they see, and whether they can open."""
