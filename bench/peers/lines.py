#!/usr/bin/python3
"""Reads JSON lines and writes them again, as a script would."""
import json
import sys

for line in sys.stdin:
    sys.stdout.write(json.dumps(json.loads(line)) + "\n")
