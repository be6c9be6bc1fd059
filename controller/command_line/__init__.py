"""The command `cardcentre`: a person's way to a centre. Modules are loaded only when needed."""
