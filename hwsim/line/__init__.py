"""The telephone line: layer 1 of both servers' spans, Q.921, and who is attached to it."""
