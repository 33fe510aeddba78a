"""Public list prices and context sizes of models, each with its source and date, and how prices age."""
