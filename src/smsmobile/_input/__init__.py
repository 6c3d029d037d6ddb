"""What a caller may pass: arguments and phone numbers, checked before anything is sent."""
