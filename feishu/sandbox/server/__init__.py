"""The sandbox over HTTP: the platform's endpoints, the login page, and the control API of page and tests."""
