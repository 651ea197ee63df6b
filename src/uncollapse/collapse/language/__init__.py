"""Generations of a language model: each learns from what the one before it wrote, in blocks of 64 tokens.

`settings` is the protocol, `text` the human blocks, `arms` what each generation learns from, `writing` who writes it,
`measures` what is said of it, `chain` the work of one arm at one seed, `run` all of them, `summary` and `page` the
account of it, `published` what the paper says.
"""
