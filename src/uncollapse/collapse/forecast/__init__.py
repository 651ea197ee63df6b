"""The share study: how much synthetic text a corpus can take, by small models that read it in all shares.

`text` parts the two sides, `tokens` counts them, `composing` puts a share together, `proxies` train and read, `timing`
and `planning` say how much within the budget, `study` does it. `readings` and `draws` are what came of it, `curve` and
`answers` what it says, `trust` how far, `theory` what stands beside, `analysis` all of it; `telling`, `page` and
`keeping` hand it over.
"""
