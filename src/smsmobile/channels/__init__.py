"""The channels of the service: one file per channel, with its models and its operations."""
