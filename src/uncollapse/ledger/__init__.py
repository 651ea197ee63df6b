"""Is what a corpus says of itself true."""
