"""A candidate answers a share of the live traffic beside the live model; nobody but the charts sees its answers."""
