"""What the generator of gRPC writes, for fixtures that import it: each program has its own in its build."""
