from tests.harness.fixtures import api, handle, http, quiet_log, server, speech

__all__ = ["api", "handle", "http", "quiet_log", "server", "speech"]
