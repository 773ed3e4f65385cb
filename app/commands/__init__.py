"""The commands of `gapbridge`, a file for each group; every file has `attach(cli)`."""
