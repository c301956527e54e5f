"""Open Policy Agent behind the policy port: compiled plans run here, or a server asked over HTTP."""
