"""Private PostGIS, broker and front server under var/, and the supervision of every process for `make run`."""
