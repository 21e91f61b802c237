"""SQL files, a comment on top of each query."""
