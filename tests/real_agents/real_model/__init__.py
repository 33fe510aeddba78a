"""A real model, small enough for any machine, on llama.cpp's own server."""
