"""What a text says of its findings: that they are so, that they are not, that they may be."""
