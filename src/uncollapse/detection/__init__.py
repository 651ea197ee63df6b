"""What we can GUESS about where a text came from: scores, calibrated, with what cannot be said; never an origin."""
