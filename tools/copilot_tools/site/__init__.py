"""The site: its areas, lines, assets and signals, and how loose names are resolved to them."""
