"""Proofs that nothing that strangers send, and no load they make, hurts the next person.

``python -m tests.proof --help`` lists them; each starts the service as a process of its own.
"""
