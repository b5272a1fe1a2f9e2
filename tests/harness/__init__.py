"""What the tests and benchmarks drive the server with: a real server, light and foreign clients, meters."""
