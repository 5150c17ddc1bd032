"""Commands to devices: what is stored of them, and the way from the table to the broker and back."""
