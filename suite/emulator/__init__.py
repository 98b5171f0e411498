"""CUDA-graph semantics on a CPU: see README.md beside this file."""
