"""Makes a build that differs between two sides smaller as long as the difference of hit and miss stays."""
