"""The steps from an image to its restored faces and back."""
