"""What a layer was: every change of its data is a version, and every state it had can be read, compared, restored.

The table that answers today's questions is left as it is. Beside it, in the schema `geodata_past`, a history table
receives what a change takes away (`migrations/0010_versions.sql`). `past` reads old states, `recording` says who
changes what, `comparing` tells two states apart, `restoring` brings one back, `generations` keeps replaced tables.
"""
