"""Alerts to whoever runs the service: what is wrong (conditions), who knows of it (ledger), and
how it reaches them (notices, sending). The service looks every minute, the watchdog when it is run.
"""
