"""What channels and delivery ask of the log of sent SMS: following messages, and finding one."""
