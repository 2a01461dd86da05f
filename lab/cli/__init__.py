"""The command line: verbs by what they are about, and the screen; nothing else in lab prints."""
