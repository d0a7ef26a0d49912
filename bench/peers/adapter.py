#!/usr/bin/python3
"""certbot's manual hook as dehydrated's, as such scripts are usually written."""
import argparse
import logging
import os
import subprocess
import sys

log = logging.getLogger("adapter")


def operation():
    """certbot tells its cleanup hook what the auth hook printed."""
    return "clean_challenge" if "CERTBOT_AUTH_OUTPUT" in os.environ else "deploy_challenge"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("hook")
    options = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.WARNING)
    env = os.environ
    command = [options.hook, operation(), env["CERTBOT_DOMAIN"], env.get("CERTBOT_TOKEN", ""), env["CERTBOT_VALIDATION"]]
    log.debug("running %s", command)
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
