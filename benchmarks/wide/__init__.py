"""The cost of each host in a run of many hosts behind ssh; see __main__.py."""
