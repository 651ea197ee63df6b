"""The contest: which way of feeding models their own text keeps them nearest to human text, on the user's own text.

`text` cuts and parts it, `students` learn and write, `arms` make each generation, `measures` say what is left, `run`
plays it, `ranking` and `page` tell it, `keeping` holds what is finished.
"""
