"""Manifests: what lies beside the code and says how it runs."""
