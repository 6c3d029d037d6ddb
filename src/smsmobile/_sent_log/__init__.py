"""The log of sent SMS: how messages are followed and found in it."""
