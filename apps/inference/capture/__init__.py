"""The way from production back to labels: a sample of what a deployment was asked goes into a dataset's inbox.

`choosing` says which questions, `waiting` stores their bytes beside the answering, `storing` (a Celery task) brings
them into the dataset, `inbox` knows what is there and deletes what nobody wanted, `settings` is what people change.
"""
