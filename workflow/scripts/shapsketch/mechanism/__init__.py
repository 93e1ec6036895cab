"""What happens inside a model: the features that it computes from letters, and how it combines them into an answer.

`activations` are what modules of a network give, for many sequences; `dictionary` and `training` write them as sparse
sums of latents; everything else asks what the latents are, and what they do.
"""
