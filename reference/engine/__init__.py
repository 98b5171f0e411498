"""A small engine: workers, their executor, and the core that starts them and says how long it took (SPEC T5-T7)."""
