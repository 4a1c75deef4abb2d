"""The API's labels: one room a noun."""
