"""A Collibra for tests: the server, its switches, and the workflow that tells a webhook about changes.

>>> with CollibraServer() as collibra:
...     collibra.url.startswith("http://127.0.0.1:")
True
"""

from lakepact.testing.collibra_server import Asked, CollibraServer
from lakepact.testing.collibra_switches import Switches
from lakepact.testing.collibra_workflow import CollibraWorkflow, Delivery, webhook_signature

__all__ = ["Asked", "CollibraServer", "CollibraWorkflow", "Delivery", "Switches", "webhook_signature"]
