"""Retries: how often, for how long, after what, and what that costs."""
