"""What AWS charges, as JSON."""
