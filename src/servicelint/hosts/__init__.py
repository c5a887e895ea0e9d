"""Hosts: where findings are asked for. They are thin."""
