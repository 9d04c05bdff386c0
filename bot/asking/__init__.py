"""What a message asks, and who asks it: reading, commands, pleasantries, rules for people, understanding."""
