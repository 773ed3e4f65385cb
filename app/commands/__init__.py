"""The commands of `gapbridge`, a file for each group; every file has `attach(cli)`."""

#: How what is done by a command stands in the history and the audit.
ACTOR = "command line"
