"""Services as a team declares them, what belongs to each, and what crosses from one into another."""
