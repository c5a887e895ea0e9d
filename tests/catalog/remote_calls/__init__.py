"""The proofs of what gRPC libraries do: against a real server, and a peer that accepts and never speaks."""
