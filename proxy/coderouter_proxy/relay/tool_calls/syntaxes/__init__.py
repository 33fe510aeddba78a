"""How model families write tool calls as text: one module for each kind of grammar, and the table of them."""
