"""Teams: people who share datasets, models and jobs."""
