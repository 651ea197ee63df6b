"""What others do, written down to be measured beside it."""
