"""Files: which are checked, how they are read, and where their imports start from."""
