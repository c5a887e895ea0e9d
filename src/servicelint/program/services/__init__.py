"""Between services: where calls and messages go, and which tables are used."""
