"""The bottom shelf: what every room may import and nothing of the rooms themselves."""

from core.process import memory

memory.configure_allocators()
