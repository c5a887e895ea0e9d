"""Evaluation: what an expression can be, what a call binds and returns."""
