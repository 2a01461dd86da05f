"""A run as one self-contained HTML page; pure: values and template texts in, text out."""
