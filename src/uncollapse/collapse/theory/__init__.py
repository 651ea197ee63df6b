"""The closed forms: each a function with its source, equation number and standing.

One file for each setting: `gaussian`, `pools` (training sets of several laws), `discrete`, `regression` (with
editing), `kernel`, `scaling` (tails, floors, verification, decoding), `text`. What a simulation is held against is a
`Curve`: one form, evaluated at each generation.
"""

from uncollapse.collapse.theory.form import Curve, Form, Standing, forms

__all__ = ["Curve", "Form", "Standing", "forms"]
