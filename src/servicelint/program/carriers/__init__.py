"""Carriers: where clients can be, marked before anything is evaluated."""
