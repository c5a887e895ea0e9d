"""gRPC: stubs, channels and interceptors."""
