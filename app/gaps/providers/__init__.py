"""The paid tools' APIs: what a pull would cost, and the referring domains of one target, page by page.

Written from each provider's public documentation and tested against local servers that answer as it says; none of them
has been verified against the live service.
"""
