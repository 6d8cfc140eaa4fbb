"""What a network needs on any part: memory, flash, smaller and compressed forms."""
