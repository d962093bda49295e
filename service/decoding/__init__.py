"""Decoding in processes of their own, which can be killed and replaced."""
