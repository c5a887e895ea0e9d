"""Linking: the modules, who imports whom, and which words stand where."""
