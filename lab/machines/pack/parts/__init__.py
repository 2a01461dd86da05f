"""What goes into a pack: one module for each part."""
