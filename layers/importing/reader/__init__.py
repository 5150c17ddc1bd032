"""Files are read in processes of their own, which may crash, hang or be taken over without harm to anything else.

`client` is what the import uses. It asks `zygote`, a process without secrets in its environment, for a reader; the
reader gives up network, other programs and unlimited memory (`isolation`), then answers requests about one file
(`serving`) over a socket (`wire`). What comes back is JSON and text for COPY: no native code of
ours sees the file's bytes.
"""
