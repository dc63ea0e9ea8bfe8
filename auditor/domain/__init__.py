"""The nouns: frozen values and the columns of every frame between the stages. No input or output."""
