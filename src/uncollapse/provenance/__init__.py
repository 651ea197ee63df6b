"""What we know about where a text came from; takes batches, reads no files."""
