"""What a person types. One file per verb or pair of verbs; nothing heavy is imported until a verb runs."""

import os

# Before Arrow is loaded: its own allocator holds on to what it has freed, up to a fifth of a run's memory
# (docs/decisions/0002-the-commit.md).
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
