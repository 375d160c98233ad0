"""Model files: what is there, what is missing, fetching it from the Hugging Face hub and putting it in its place."""
