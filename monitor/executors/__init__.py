"""Where blocks of tiles are looked at: in this process (`local`), or by the workers of a Dask cluster (`cluster`).

Whoever looks, this process alone keeps looks, writes products and knows the database.
"""
