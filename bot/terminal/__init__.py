"""What people type into a terminal, beside the doctor."""
