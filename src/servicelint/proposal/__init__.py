"""Settings that ``servicelint init`` proposes: from what lies in a repository, or another tool's settings."""
