"""Everything that touches the world: catalogs, pixels, engines, products, the database."""
