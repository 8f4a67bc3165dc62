"""What a light of this model, with this firmware, can do: data with its source, and pure rendering."""
