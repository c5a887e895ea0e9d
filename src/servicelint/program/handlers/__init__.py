"""Handlers: what is run for what comes in, and what it reaches."""
