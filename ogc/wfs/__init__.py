"""WFS 2.0 (OGC 09-025r2) for programs that read no OGC API: reading only, by address or by XML."""
