"""The reasons for a pitch that other people's pages prove: what is wrong with the page they link to, what their site lacks."""
