"""The watch over live readings: which machines are unlike themselves right now, and since when."""
