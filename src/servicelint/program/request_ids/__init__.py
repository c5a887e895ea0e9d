"""Request ids: what an outbound call carries, and where the id is lost."""
