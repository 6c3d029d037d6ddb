"""Follows messages in the log of sent SMS, and finds them there. The channel for SMS and delivery/ use it."""
