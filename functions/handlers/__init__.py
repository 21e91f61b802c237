"""One file per Lambda: wiring only."""
