"""Facts: what one file says, taken from one libcst parse and one walk; pure, small and serialisable."""
