"""Put restored faces back into their images."""
