"""How bytes travel: transport, retries, deadlines, and where a key may be sent. No message, no phone number."""
