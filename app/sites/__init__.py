"""Our sites, their competitors and the pages that we promote."""
