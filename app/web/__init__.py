"""The staff app: forms in, the same service calls as the API, HTML out."""
