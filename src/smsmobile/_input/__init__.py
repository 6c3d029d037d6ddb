"""Checks the arguments and phone numbers that callers pass, before anything is sent."""
