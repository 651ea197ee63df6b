"""The editing trial: does token-level editing of human text help, beside controls that keep everything else equal."""
