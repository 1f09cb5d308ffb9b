"""Deterministic simulation: gate, stream, engine, settlement, publishing and recovery in one process, on a fake clock.

One seed is one run of random commands and faults, compared at each step with a model that shares no code with
what it checks. See docs/simulation.md.
"""
