"""From labelled clips to a run: material, batches, one network a fold."""
