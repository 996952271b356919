"""The HTTP routes /vqfr/...: the same in a WebUI and by `serve`. FastAPI is imported where it is used."""
