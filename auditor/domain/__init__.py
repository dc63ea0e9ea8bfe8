"""The nouns: frozen values and the columns of the frames between the stages."""
