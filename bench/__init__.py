"""The benchmark: one load generator, run against Strongroom and against its peers.

Not part of the product, and never imported by it. `python -m bench` from the root of the checkout.

Rules: loopback only; everything is bounded in count and in time; the same requests with the same
bytes go to every server; each answer's status is checked; an operation that failed is never counted
as one that was fast.
"""
