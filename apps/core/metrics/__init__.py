"""What Prometheus reads at `/metrics`: counted while answering (`meters`), or asked when it is read (`now`)."""
