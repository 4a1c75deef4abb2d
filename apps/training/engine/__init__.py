LEAST_CONFIDENCE = 0.05  # what is less sure is not shown of what a training finds
