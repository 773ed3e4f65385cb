"""Who links to whom in Common Crawl's domain-level web graph: gap data for a team that pays for no backlink tool.

A release is three files (format as written by cc-webgraph's HostToDomainGraph and process_webgraph.sh): vertices
`id \\t reversed name \\t hosts`, sorted; edges `from id \\t to id`, sorted by `from`; ranks, one line a domain, sorted by
harmonic centrality. They are read once for all targets of all sites, in memory that does not depend on their size.
"""
