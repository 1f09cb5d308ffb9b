"""Load on a running instance, over real HTTP and real sockets, by a generator that keeps its own record."""
