"""The addresses under /ogc/: parse what is asked, call one function of `layers` or `documents`, shape the answer."""
