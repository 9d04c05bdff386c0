"""What a message asks, and who asks it: reading, commands, small talk, rules for people, understanding."""
