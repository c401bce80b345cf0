"""Salesforce: accounts, tasks and fields of one org, by REST. Start at `connector.py`."""
