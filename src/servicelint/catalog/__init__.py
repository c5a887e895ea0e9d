"""What is known of libraries: data files, their shape, and look-up by qualified name."""
