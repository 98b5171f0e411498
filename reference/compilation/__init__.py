"""Compilation: a decorator in front of torch.compile, and a back end that compiles a graph piece by piece."""
