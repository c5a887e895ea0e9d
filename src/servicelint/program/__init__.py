"""The program: all facts linked. What a name is, who calls whom, and what bounds a call."""
