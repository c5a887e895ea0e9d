"""What bounds the time of a call: arguments, clients, scopes, hooks, and callers that decide."""
