"""What a box's build context holds, asked in one round trip and read without touching the box again."""
