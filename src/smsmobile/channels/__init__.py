"""One file a channel of the service: its models and its operations together. Channels do not import each other."""
