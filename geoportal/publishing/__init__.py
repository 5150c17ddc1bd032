"""The pages and the interface by which stewards bring files into the catalogue (`layers.publishing` does the work)."""
