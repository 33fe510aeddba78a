"""Files of CodeRouter 1.7 to 2.x: what each of their keys becomes, as one table, and how it is applied."""
