"""What is examined: each check takes a deployed stack and returns what it found, in sentences."""
