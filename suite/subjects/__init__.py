"""One adapter per implementation; the registry names them, and what is behind a name is made on demand."""
