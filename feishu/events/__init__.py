"""What the platform sends: verified, decrypted, and read into frozen values."""
