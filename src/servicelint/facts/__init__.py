"""Facts: what one file says, taken from one parse and one walk; pure, small and serialisable."""
